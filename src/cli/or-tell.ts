// What is wrong with a file that a command looks at is that command's answer, not its failure.

import { TenbinError } from '../base/errors.ts'
import { ConfigError } from '../config/config-error.ts'
import { problemsOf, problemText } from '../daemon/problem.ts'
import type { Context } from './context.ts'

/** orTell tells what is wrong with the file, at places or as a whole; then undefined. Throws what is not the file's. */
export function orTell<Result>(
  context: Context,
  file: string,
  json: boolean,
  body: () => Result,
): Result | undefined {
  try {
    return body()
  } catch (error) {
    const isPlaced = error instanceof ConfigError && error.findings.length > 0
    if (!isPlaced && !(error instanceof TenbinError && error.code === 'PROGRAM_UNBUILT')) throw error
    const errors = problemsOf(error)
    if (json) context.out(JSON.stringify({ ok: false, file, errors, warnings: [] }))
    else if (isPlaced) for (const each of errors) context.out(problemText(each))
    else for (const { message, remedy } of errors) context.out(`${file}: ${message}\n  ${remedy}`)
    return undefined
  }
}
