// For tests: a small file that is right, changed in one place, and what is then said about it.

import assert from 'node:assert/strict'
import { ConfigError } from './config-error.ts'
import { load } from './load.ts'
import { textReader } from './reader.ts'

/** rightFile: one section a line, in this order; `extra` comes last. */
export const rightFile = {
  interfaces: 'interfaces: { lan: eth0 }',
  addresses: 'addresses: { front: { on: lan, ips: [192.168.8.100/24] } }',
  servers: 'servers: { web01..10: 192.168.8.11..20 }',
  services: 'services: { www: { listen: [192.168.8.100:80], servers: web01..10, check: none } }',
  extra: '',
}

/** Change: sections of the right file that are to be others, or a text of its own. */
export type Change = string | Partial<typeof rightFile>

/** textOf: the right file with a change. */
export const textOf = (change: Change): string =>
  typeof change === 'string' ? change : Object.values({ ...rightFile, ...change }).join('\n')

/** refusals: `line:column: message` of each finding about the changed file, whose name is `t`. */
export function refusals(change: Change): string[] {
  try {
    load('t', textReader({ t: textOf(change) }))
  } catch (error) {
    assert.ok(error instanceof ConfigError && error.code === 'CONFIG_INVALID', String(error))
    return error.findings.map(({ line, column, message }) => `${line}:${column}: ${message}`)
  }
  return []
}
