// All files as one: for each section its entries in the order of the files, each with its place. A name may be
// given once over all files; the second is a finding that names both places, and the first counts.

import type { Checked, Shaped } from './check-shape.ts'
import type { Findings } from './findings.ts'
import type { Mended } from './mended.ts'
import type { AddressSetShape } from './schema-addresses.ts'
import type { NotificationShape } from './schema-notify.ts'
import type { PoolShape, ServiceShape } from './schema-services.ts'
import { formatPlace, keyOf, type Place, type Source } from './source.ts'

/** Entry: one name of a section. `value` is undefined where its shape is wrong, which has been said. */
export interface Entry<Value> {
  readonly name: string
  readonly value: Value | undefined
  /** Where `value` is undefined: what of it can be looked at all the same. */
  readonly mended?: Mended
  /** Of the value; keyOf() of it is the name's. */
  readonly place: Place
}

/** Merged: the sections; `incomplete` names those of which a part could not be read at all. */
export interface Merged {
  readonly nodes: readonly Entry<string>[]
  readonly interfaces: readonly Entry<string | Readonly<Record<string, string>>>[]
  readonly addresses: readonly Entry<AddressSetShape>[]
  readonly servers: readonly Entry<string>[]
  readonly pools: readonly Entry<PoolShape>[]
  readonly services: readonly Entry<ServiceShape>[]
  readonly defaults: readonly Entry<unknown>[]
  readonly limits: readonly Entry<number>[]
  readonly sysctls: readonly Entry<number>[]
  readonly metrics: readonly Entry<string>[]
  readonly cluster: readonly Entry<number | Readonly<Record<string, string>>>[]
  readonly notify: readonly Entry<NotificationShape>[]
  /** `defence: off` is an entry with that name. */
  readonly defence: readonly Entry<unknown>[]
  readonly incomplete: ReadonlySet<string>
}

/** File: what one file says and where it is. */
export interface File extends Checked {
  readonly source: Source
}

/** merge: `whole` is false when a file could not be parsed, and so any section may lack something. */
export function merge(files: readonly File[], whole: boolean, findings: Findings): Merged {
  const incomplete = new Set<string>()
  function section<Value>(name: Exclude<keyof Shaped, 'include'>): Entry<Value>[] {
    const entries = new Map<string, Entry<Value>>()
    if (!whole) incomplete.add(name)
    for (const { source, shaped, mended: rest } of files) {
      const values = shaped[name]
      if (values === undefined && name in shaped) incomplete.add(name)
      const entriesOf = typeof values === 'string' ? { [values]: values } : (values ?? {})
      for (const [key, value] of Object.entries(entriesOf)) {
        const place: Place = { source, path: [name, key] }
        const first = entries.get(key)
        if (first) {
          const where = formatPlace(keyOf(first.place))
          findings.add(keyOf(place), `"${key}" is in ${name} twice: first at ${where}; remove one of them`)
        } else {
          const mended = rest.get(name)?.get(key)
          entries.set(key, { name: key, value: value as Value | undefined, place, ...(mended && { mended }) })
        }
      }
    }
    return [...entries.values()]
  }
  return {
    nodes: section('nodes'),
    interfaces: section('interfaces'),
    addresses: section('addresses'),
    servers: section('servers'),
    pools: section('pools'),
    services: section('services'),
    defaults: section('defaults'),
    limits: section('limits'),
    sysctls: section('sysctls'),
    metrics: section('metrics'),
    cluster: section('cluster'),
    notify: section('notify'),
    defence: section('defence'),
    incomplete,
  }
}
