// How scenarios start processes of their own inside a node: a file of this folder, run from its source.

import { fileURLToPath } from 'node:url'
import type { Command } from '../../../src/lab/run.ts'

/** entryOf: the command that runs NAME.ts of this folder with `options` as its only argument, in JSON. */
export const entryOf = (
  name: `${'open-connections' | 'connections' | 'udp-answer' | 'udp-ask' | 'udp-flows' | 'bulk-server' | 'bulk-client'}-process`,
  options: unknown,
): Command => [
  ...([process.execPath, '--import', import.meta.resolve('tsx')] as const),
  fileURLToPath(new URL(`./${name}.ts`, import.meta.url)),
  JSON.stringify(options),
]
