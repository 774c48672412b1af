// From an error to what a person, a script and the shell get: one line `tenbin: what`, its remedy, an exit code.
// A stack trace is printed only for what is a bug.

import { TenbinError } from '../base/errors.ts'
import type { Problem } from '../daemon/api-schema.ts'
import { problemsOf, problemText } from '../daemon/problem.ts'
import { DaemonRefusal } from './client.ts'
import { type Context, type ExitCode, exitCodes } from './context.ts'

/** failureBody: the same as data, for --json; undefined if the error is a bug. */
export function failureBody(
  error: unknown,
): { error: Problem & { problems?: readonly Problem[] } } | undefined {
  if (!(error instanceof TenbinError || error instanceof DaemonRefusal)) return undefined
  const { code, message, remedy } = error
  const problems = problemsIn(error)
  return { error: { code, message, remedy, ...(problems.length > 1 && { problems }) } }
}

/** tellFailure prints an error and returns the exit code that says its kind. Rethrows what is a bug. */
export function tellFailure(context: Context, error: unknown, json: boolean): ExitCode {
  const body = failureBody(error)
  if (!body) throw error
  const problems = problemsIn(error as TenbinError | DaemonRefusal)
  if (json) context.out(JSON.stringify(body))
  else for (const line of failureLines(body.error.message, problems)) context.err(line)
  return exitCodeOf(error)
}

function failureLines(message: string, problems: readonly Problem[]): string[] {
  if (problems.length === 1 && problems[0]!.file === undefined) {
    return [`tenbin: ${message}`, ...remedyLines(problems)]
  }
  const head = problems.length === 1 ? 'tenbin: the file has an error' : `tenbin: ${problems.length} problems`
  return [head, ...problems.map((each) => `  ${problemText(each)}`), ...remedyLines(problems)]
}

const remedyLines = (problems: readonly Problem[]): string[] =>
  [...new Set(problems.map((each) => each.remedy))].map((remedy) => `  remedy: ${remedy}`)

function problemsIn(error: TenbinError | DaemonRefusal): readonly Problem[] {
  if (error instanceof TenbinError) return problemsOf(error)
  const { code, message, remedy, problems } = error
  return problems.length > 0 ? problems : [{ code, message, remedy }]
}

// Root can be refused as well, in a container for instance: then the kernel's errno says so.
function exitCodeOf(error: unknown): ExitCode {
  const { code, errno } = error as { readonly code: string; readonly errno?: unknown }
  if (code === 'DAEMON_ABSENT') return exitCodes.absent
  if (code === 'LAB_OPTION_INVALID') return exitCodes.usage
  return code === 'NOT_PERMITTED' || errno === 'EPERM' || errno === 'EACCES'
    ? exitCodes.notPermitted
    : exitCodes.no
}
