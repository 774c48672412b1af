// The one error class of operational failures. Its idea: a code from the catalogue says what kind of failure
// it is (docs/errors.md: meaning and remedy), `op` says what was being done, `detail` carries the particulars
// and the kernel's words. Bugs are not errors of this class: they fail an invariant() and crash.

import { type ErrorCode, errorCatalogue } from './error-catalogue.ts'

/** Particulars of a failure: printed after the meaning, kept as they are in --json. */
export interface ErrorDetail {
  readonly cause?: unknown
  /** What exactly: names, values, the kernel's words. One line unless the kernel wrote more. */
  readonly detail?: string
}

/** TenbinError: an operational failure. `message` is "op: meaning: detail"; the remedy is in the catalogue. */
export class TenbinError extends Error {
  override readonly name = 'TenbinError'
  readonly code: ErrorCode
  readonly op: string
  readonly detail: string | undefined

  constructor(code: ErrorCode, op: string, { cause, detail }: ErrorDetail = {}) {
    super(`${op}: ${detail ?? errorCatalogue[code].meaning}`, cause === undefined ? undefined : { cause })
    this.code = code
    this.op = op
    this.detail = detail
  }

  /** remedy: what the reader can do about it, from the catalogue. */
  get remedy(): string {
    return errorCatalogue[this.code].remedy
  }
}

/** invariant stops the process when `truth` is false: a bug of ours, never bad input. */
export function invariant(truth: unknown, message: string): asserts truth {
  if (!truth) throw new Error(`invariant broken: ${message}`)
}
