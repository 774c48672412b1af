// An entry of which some values have the wrong shape, mended: others stand in their place, so that what else is wrong with
// it is found at once. Its idea: a stand-in is what nobody finds fault with, and what would be said of it all the same, or of
// a key whose meaning depends on it, is not said. Nothing but findings comes of a mended entry. Values are replaced by whole
// keys: beside a wrong listener the others of its list are not looked at.

import type { Path, Place } from './source.ts'

/** Mended: the entry's value; `isSaid`: that a finding at a place is not about what was replaced. */
export interface Mended {
  readonly value: Readonly<Record<string, unknown>>
  readonly isSaid: (place: Place) => boolean
}

type Entry = Readonly<Record<string, unknown>>

interface StandIn {
  /** What stands there; absent: the key is left out. */
  readonly value?: (entry: Entry) => unknown
  /** Keys whose value may be right or wrong by this one's. */
  readonly others?: readonly string[]
}

/** Of all other keys nobody misses anything. */
const standIns: Readonly<Record<string, Readonly<Record<string, StandIn>>>> = {
  addresses: {
    on: { value: () => '', others: ['unicast', 'min_ttl', 'track', 'routes'] },
    // by role, where no role is said
    ips: {
      value: ({ on }) => (on === undefined ? {} : []),
      others: ['unicast', 'min_ttl', 'track', 'routes'],
    },
    unicast: { others: ['min_ttl'] },
    vrid: { value: () => 51 },
    version: { others: ['advert', 'auth', 'checksum'] },
  },
  pools: { servers: { value: () => [] } },
  services: {
    listen: { value: () => [] },
    servers: { value: () => [] },
    pool: { value: () => '', others: ['sorry', 'quorum'] },
    check: { value: () => 'none' },
    forward: { value: () => 'nat', others: ['check', 'track', 'server_port'] },
    scheduler: { value: () => 'mh', others: ['track'] },
    track: { value: () => 'all' },
  },
}

/** mend an entry, which `section` and `name` lead to; `wrong`: the paths of values within the file. */
export function mend(
  entry: Entry,
  [section, name]: readonly [string, string],
  wrong: readonly Path[],
): Mended {
  const of = standIns[section] ?? {}
  const keys = new Set(wrong.flatMap(([, , key]) => [String(key), ...(of[String(key)]?.others ?? [])]))
  const value = { ...entry }
  for (const key of keys) {
    const standIn = of[key]?.value
    if (standIn) value[key] = standIn(entry)
    else delete value[key]
  }
  const isSaid = ({ path }: Place) => path[0] !== section || path[1] !== name || !keys.has(String(path[2]))
  return { value, isSaid }
}
