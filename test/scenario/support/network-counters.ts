// The kernel's own count of what a node's TCP did: /proc/net/snmp and /proc/net/netstat (proc(5)), by name.

import type { Lab } from '../../../src/lab/held-lab.ts'

/** NetworkCounters: `Tcp.InSegs`, `TcpExt.TCPSynRetrans` and so on, of one node since it was made. */
export type NetworkCounters = ReadonlyMap<string, number>

/** networkCounters reads them. */
export async function networkCounters(lab: Lab, node: string): Promise<NetworkCounters> {
  const lines = (await lab.run(node, ['cat', '/proc/net/snmp', '/proc/net/netstat'])).trim().split('\n')
  const counters = new Map<string, number>()
  // Two lines each: names, then values.
  for (let at = 0; at + 1 < lines.length; at += 2) {
    const [names, values] = [lines[at]!.split(' '), lines[at + 1]!.split(' ')]
    const group = names[0]!.replace(':', '')
    for (const [column, name] of names.entries()) {
      if (column > 0) counters.set(`${group}.${name}`, Number(values[column]))
    }
  }
  return counters
}

/** pick: some of them, as an object to compare. */
export const pick = (counters: NetworkCounters, ...names: readonly string[]): Record<string, number> =>
  Object.fromEntries(names.map((name) => [name, counters.get(name) ?? Number.NaN]))
