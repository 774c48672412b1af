// The memory of the packet path, a line a map, and the sum. Pure.

import type { Paint } from './context.ts'
import { bytesText, section } from './table.ts'

/** What each map is for, by its name (dataplane/memory.ts, engine/). */
const meanings: Readonly<Record<string, string>> = {
  tables: 'servers, listeners, keys',
  slots: 'who takes which flows, a word a slot',
  counters: 'packets and bytes, on each CPU',
  flows: 'remembered flows; stays as it is through changes of the file',
  failed: 'who has failed in which pool',
  shut: 'to whom kept clients do not come back',
  before: 'who took which flows before a pool changed its size',
  meta: 'what all this means, for the next daemon',
}

/** memoryLines: a section of maps by name and bytes. */
export function memoryLines(
  maps: readonly { readonly name: string; readonly bytes: number }[],
  paint: Paint,
): string[] {
  const rows = maps.map(({ name, bytes }) => [name, bytesText(bytes), meanings[name] ?? ''])
  const sum = maps.reduce((sum, { bytes }) => sum + bytes, 0)
  const total = ['in all', bytesText(sum), '']
  return section(['MEMORY', 'BYTES', 'FOR'], [...rows, total], ['left', 'right', 'left'], paint)
}
