// Errors on their way between nodes: a code and words. What is thrown at the other end is an error of ours by the same code
// where this version has it, and otherwise PEER_FAILED with the same words: a code of a later version is no reason to fail
// in another way. Bugs travel as words too; their stack stays where they happened.

import { z } from 'zod'
import { type ErrorCode, errorCatalogue } from '../base/error-catalogue.ts'
import { TenbinError } from '../base/errors.ts'

const MESSAGE_MAX = 65_536
const errorWordsSchema = z.object({ code: z.string().max(64), message: z.string().max(MESSAGE_MAX) })

/** ErrorWords: an error as it travels. */
export interface ErrorWords {
  readonly code: string
  readonly message: string
}

/** errorWords of what a handler threw. */
export const errorWords = (error: unknown): ErrorWords =>
  error instanceof TenbinError
    ? { code: error.code, message: error.message.slice(0, MESSAGE_MAX) }
    : { code: 'PEER_FAILED', message: `a bug there: ${(error as Error).message}`.slice(0, MESSAGE_MAX) }

/** errorOf the words that came back; `op` is what was asked, of whom. */
export function errorOf(body: Uint8Array, status: number, op: string): TenbinError {
  try {
    const { code, message } = errorWordsSchema.parse(JSON.parse(Buffer.from(body).toString('utf8')))
    const known: ErrorCode = Object.hasOwn(errorCatalogue, code) ? (code as ErrorCode) : 'PEER_FAILED'
    return new TenbinError(known, op, { detail: message })
  } catch (cause) {
    return new TenbinError('PEER_ANSWER', op, { detail: `HTTP status ${status} without words`, cause })
  }
}
