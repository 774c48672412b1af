// What the resolvers of all kinds of checks have in common: how they say what is wrong, and patterns.

import { TenbinError } from '../base/errors.ts'
import { Pattern } from '../base/pattern.ts'

/** Say: a finding at a key of a probe, or at the probe. */
export type Say = (message: string, ...path: readonly string[]) => void

/** patternOf: a regular expression that can be used, or a finding. */
export function patternOf(text: string, key: string, say: Say): string {
  try {
    Pattern.compile(text)
  } catch (error) {
    if (!(error instanceof TenbinError)) throw error
    say(error.detail ?? error.message, key)
  }
  return text
}
