// The memory of the packet path, a line a map, and the sum. Pure.

import type { Paint } from './context.ts'
import { bytesText, section } from './table.ts'

/** What each map is for, by its name (dataplane/memory.ts, engine/). */
const meanings: Readonly<Record<string, string>> = {
  tables: 'servers, listeners, keys',
  slots: 'who takes which flows, a word a slot',
  counters: 'packets and bytes, on each CPU',
  flows: 'remembered flows; stays as it is through changes of the file',
  roles: 'virtual MACs that this node is active for',
  awaiting: 'whether another node may be about to tell of flows',
  clock: 'the time, in ticks',
  schedule: 'connections and weights of servers, for schedulers that count; stays',
  answers: 'what turns answers of nat back; stays as the flows do',
  failed: 'who has failed in which pool',
  shut: 'to whom kept clients do not come back',
  before: 'who took which flows before a pool changed its size',
  recorder: 'recorded packets; stays',
  defence: 'ceilings, and who has to prove that he is real; stays',
  proven: 'sources that have; stays',
  sources: 'what each source has sent in a second; stays',
  banned: 'sources that are banned for a time; stays',
  known: 'flows of UDP that ceilings have let in; stays',
  rules: 'what rules have matched',
  lists4: 'networks that are allowed, denied or banned, IPv4',
  lists6: 'the same, IPv6',
  fragments: 'where fragments go, whose first has come',
  held: 'fragments that came before their first',
  openings: 'SYNs of each service, on each CPU',
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
