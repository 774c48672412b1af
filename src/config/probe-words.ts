// What the resolvers of all kinds of checks have in common: how they say what is wrong, patterns, names of hosts, and users.

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

/** checkUser: a name is looked up on the node that has it; numbers are right or wrong everywhere. */
export function checkUser(user: string, say: Say): void {
  const ids = /^\d+(:\d+)?$/.test(user) ? user.split(':').map(Number) : undefined
  if (user === 'root' || ids?.includes(0))
    say('a script does not run as root: write a user without privileges', 'user')
  else if (ids && (ids.length < 2 || ids.some((id) => id >= 2 ** 31)))
    say(`${describe(user)} is no user: write a name, or two numbers such as "65534:65534"`, 'user')
}
