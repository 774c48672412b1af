// What of a rule has to be compared at all, for packets of one family and protocol: a range that holds every value and a
// network of no bits are no conditions, and a rule of which one condition never holds is no rule. So no comparison is
// emitted whose answer is known, and nothing behind a rule that drops whatever comes.

import type { Prefix } from '../base/prefix.ts'
import { type Family, familyOf } from './memory.ts'
import { isOfTcp, isOfUdp, needsTransport, type Range, type RuleMatch } from './rule.ts'

/** Kind: of packets; without `protocol` those that have no transport header of their own. */
export interface Kind {
  readonly family: Family
  readonly protocol?: 'tcp' | 'udp'
}

/** MOST: the largest value of each field; IPv6's length counts its header. */
const MOST = { 4: 0xffff, 6: 0xffff + 40, port: 0xffff, window: 0xffff, hops: 0xff } as const

/** some of several, of which one is enough: `never` none, `always` at least one always; else those that may hold. */
function some<T>(all: readonly T[], sense: (each: T) => boolean | undefined): readonly T[] | boolean {
  const may = all.filter((each) => sense(each) !== false)
  if (may.some((each) => sense(each) === true)) return true
  return may.length === 0 ? false : may
}

/** sense of a range: whether every value is in it, or none. */
const senseOf =
  (most: number) =>
  ({ first, last }: Range): boolean | undefined =>
    first > last || last < 0 || first > most ? false : first <= 0 && last >= most ? true : undefined

/**
 * reduced: what is left to be compared; undefined: packets of the kind never match. `ttl` is that of a packet that has been
 * counted down.
 */
export function reduced(match: RuleMatch, { family, protocol }: Kind): RuleMatch | undefined {
  if (protocol ? !(protocol === 'tcp' ? isOfTcp : isOfUdp)(match) : needsTransport(match)) return undefined
  const { protocol: _, length, ttl, window, source, destination, sourcePorts, ports, ...rest } = match
  const range = (value: Range | undefined, most: number) => value && some([value], senseOf(most))
  const networks = (prefixes: readonly Prefix[] | undefined) =>
    prefixes &&
    some(prefixes, ({ address, length }) =>
      familyOf(address) !== family ? false : length === 0 ? true : undefined,
    )
  const says = {
    length: range(length, MOST[family]),
    ttl: range(ttl && { first: ttl.first - 1, last: ttl.last - 1 }, MOST.hops),
    window: range(window, MOST.window),
    source: networks(source),
    destination: networks(destination),
    sourcePorts: sourcePorts && some(sourcePorts, senseOf(MOST.port)),
    ports: ports && some(ports, senseOf(MOST.port)),
  }
  if (Object.values(says).includes(false)) return undefined
  const left = Object.entries(says).flatMap(([name, value]) =>
    Array.isArray(value)
      ? [[name, ['length', 'ttl', 'window'].includes(name) ? value[0] : value] as const]
      : [],
  )
  return { ...rest, ...Object.fromEntries(left) }
}
