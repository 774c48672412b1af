// The guest's side of test/guest/bundle.ts: how a program that runs inside another kernel reports.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** writeResult leaves `result` for the host as JSON; bigints become strings. */
export function writeResult(result: unknown): void {
  const folder = process.env.TENBIN_GUEST_OUT
  if (folder === undefined) throw new Error('TENBIN_GUEST_OUT is not set: this program runs in a guest only')
  const json = JSON.stringify(result, (_, value) => (typeof value === 'bigint' ? value.toString() : value))
  writeFileSync(join(folder, 'result.json'), json)
}
