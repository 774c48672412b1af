// Counters of one generation, summed over the CPUs' blocks and the carry block, by name. The carry block is the
// daemon's own: when a generation replaces another, what that had counted goes there, so that totals go on though
// indexes changed. Reads are plain loads from mapped memory; a sum may be a packet older than its neighbour.

import type { Totals } from './engine.ts'
import type { Meta } from './meta.ts'

/** readTotals sums all blocks. `words` is the counters map as 64-bit words. */
export function readTotals(
  words: BigUint64Array,
  { counters, outcomes, events, services, servers }: Meta,
): Totals {
  const sum = (offset: number): bigint => {
    let total = 0n
    for (let block = 0; block <= counters.blocks; block++)
      total += words[(block * counters.block + offset) / 8]!
    return total
  }
  const traffic = (names: readonly string[], offset: number) =>
    new Map(
      names.flatMap((name, i) =>
        name === ''
          ? []
          : [[name, { packets: sum(offset + 16 * i), bytes: sum(offset + 16 * i + 8) }] as const],
      ),
    )
  return {
    outcomes: new Map(outcomes.map((name, i) => [name, sum(8 * i)])),
    events: new Map(events.map((name, i) => [name, sum(counters.events + 8 * i)])),
    services: traffic(
      services.map(({ name }) => name),
      counters.services,
    ),
    servers: traffic(
      servers.map(({ name }) => name),
      counters.servers,
    ),
  }
}

/** writeCarry puts totals of before into the carry block of a generation, by name; what it does not know is dropped. */
export function writeCarry(
  words: BigUint64Array,
  { counters, outcomes, events, services, servers }: Meta,
  totals: Totals,
): void {
  const start = counters.blocks * counters.block
  for (const [i, name] of outcomes.entries()) words[(start + 8 * i) / 8] = totals.outcomes.get(name) ?? 0n
  for (const [i, name] of events.entries())
    words[(start + counters.events + 8 * i) / 8] = totals.events.get(name) ?? 0n
  for (const [names, before, offset] of [
    [services.map(({ name }) => name), totals.services, counters.services],
    [servers.map(({ name }) => name), totals.servers, counters.servers],
  ] as const) {
    for (const [i, name] of names.entries()) {
      const at = (start + offset + 16 * i) / 8
      words[at] = before.get(name)?.packets ?? 0n
      words[at + 1] = before.get(name)?.bytes ?? 0n
    }
  }
}
