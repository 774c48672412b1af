// Errors as the API, the log and the command tell them: a code, one line, a remedy, and the place in the file
// where it is the file's fault. Only operational errors have words for an operator; what is none is a bug and
// goes on as it came.

import { type ErrorCode, errorCatalogue } from '../base/error-catalogue.ts'
import { invariant, TenbinError } from '../base/errors.ts'
import { ConfigError } from '../config/config-error.ts'
import type { Problem } from './api-schema.ts'

/** problem: words for a code, with the particulars. */
export const problem = (code: ErrorCode, message: string): Problem => ({
  code,
  message,
  remedy: errorCatalogue[code].remedy,
})

/** Problems is an error of several problems at once; its code is the first one's. */
export class Problems extends TenbinError {
  readonly problems: readonly Problem[]

  constructor(op: string, problems: readonly Problem[]) {
    invariant(problems.length > 0, 'an error of no problems')
    const detail = problems.map((each) => each.message).join('; ')
    super(problems[0]!.code as ErrorCode, op, { detail })
    this.problems = problems
  }
}

/** problemsOf: everything that an operational error says, at least one. Rethrows what is a bug. */
export function problemsOf(error: unknown): Problem[] {
  if (!(error instanceof TenbinError)) throw error
  const { code, message, remedy } = error
  if (error instanceof Problems) return [...error.problems]
  if (error instanceof ConfigError && error.findings.length > 0) {
    return error.findings.map((finding) => ({ code, remedy, ...finding }))
  }
  return [{ code, message, remedy }]
}

/** problemText writes `file:line:column: message`, or the message alone. */
export function problemText({ file, line, column, message }: Problem): string {
  return file === undefined ? message : `${file}:${line ?? 1}:${column ?? 1}: ${message}`
}
