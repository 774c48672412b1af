// What the resolvers of all kinds of checks have in common: how they say what is wrong, patterns, and names of hosts.

import { TenbinError } from '../base/errors.ts'
import { Pattern } from '../base/pattern.ts'
import { describe } from './check-shape.ts'

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

/** checkHost: what is asked for by HTTP is a name or an address, with a port or without. */
export function checkHost(host: string | undefined, say: Say): void {
  if (host === undefined) return
  const isHost = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]{1,253})(:\d{1,5})?$/i.test(host)
  if (!isHost || !URL.canParse(`http://${host}`)) say(`${describe(host)} is not a name of a host`, 'host')
}
