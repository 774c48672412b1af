// Errors as the API and the log tell them: code, one line, remedy. Only operational errors have words for an
// operator; anything else is a bug, told as such without its insides, which go to the log.

import { type ErrorCode, errorCatalogue } from '../base/error-catalogue.ts'
import { TenbinError } from '../base/errors.ts'
import type { Problem } from './api-schema.ts'

/** problemOf: an operational error's words. Rethrows what is none: a bug must not look like an answer. */
export function problemOf(error: unknown): Problem {
  if (error instanceof TenbinError) {
    return { code: error.code, message: error.message, remedy: error.remedy }
  }
  throw error
}

/** problem: words for a code that the catalogue knows, with the particulars. */
export const problem = (code: ErrorCode, message: string): Problem => ({
  code,
  message,
  remedy: errorCatalogue[code].remedy,
})

/** Problems is an error of several findings at once: `findings` is not empty. */
export class Problems extends TenbinError {
  readonly findings: readonly Problem[]

  constructor(code: ErrorCode, op: string, findings: readonly Problem[]) {
    super(code, op, { detail: findings.map(problemText).join('; ') })
    this.findings = findings
  }
}

/** problemText writes `file:line:column: message`, or the message alone. */
export function problemText({ file, line, column, message }: Problem): string {
  if (file === undefined) return message
  const place = line === undefined ? file : `${file}:${line}:${column ?? 1}`
  return `${place}: ${message}`
}
