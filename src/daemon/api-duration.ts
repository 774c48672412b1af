// A duration in a query, such as 10m, read into milliseconds.

import { z } from 'zod'
import { parseDuration } from '../base/durations.ts'
import { TenbinError } from '../base/errors.ts'

/** durationText: ms; what is none is an issue with the parser's words. */
export const durationText = z.string().transform((text, context): number => {
  try {
    return parseDuration(text)
  } catch (error) {
    const message = error instanceof TenbinError ? (error.detail ?? error.message) : String(error)
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  }
})
