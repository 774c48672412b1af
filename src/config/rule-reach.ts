// Rules that are never reached, because one before them drops all that they match. Told only where that is so by what the two
// rules say, key by key: what several rules drop together is not looked at.

import { isIn, type Prefix } from '../base/prefix.ts'
import type { Range, RuleMatch } from '../dataplane/rule.ts'
import type { RuleSpec } from '../engine/defence-spec.ts'
import { knownRules } from './known-rules.ts'

/** unreachedWarnings: a sentence for each rule that is never reached; of those that ship and only count there is nothing to say. */
export const unreachedWarnings = (rules: readonly RuleSpec[]): string[] =>
  rules.flatMap((rule, at) => {
    if (rule.action === 'count' && knownRules.has(rule.name)) return []
    const first = rules.slice(0, at).find((each) => each.action === 'drop' && takesAllOf(each, rule))
    return first
      ? [`rule ${rule.name} is never reached: ${first.name} before it drops all that it matches`]
      : []
  })

/** takesAllOf another rule's packets. */
function takesAllOf({ match: a, services: of }: RuleSpec, { match: b, services }: RuleSpec): boolean {
  if (of && !services?.every((each) => of.includes(each))) return false
  const isSame = (mine: unknown, other: unknown) => mine === undefined || mine === other
  return (
    isSame(a.protocol, b.protocol) &&
    isSame(a.options, b.options) &&
    (!a.flags || (b.flags !== undefined && hasBits(b.flags, a.flags))) &&
    isPart(b.window && [b.window], a.window && [a.window], isRangeIn) &&
    isPart(b.length && [b.length], a.length && [a.length], isRangeIn) &&
    isPart(b.ttl && [b.ttl], a.ttl && [a.ttl], isRangeIn) &&
    isPart(b.sourcePorts, a.sourcePorts, isRangeIn) &&
    isPart(b.ports, a.ports, isRangeIn) &&
    isPart(b.source, a.source, isPrefixIn) &&
    isPart(b.destination, a.destination, isPrefixIn) &&
    (a.payload === undefined || JSON.stringify(a.payload) === JSON.stringify(b.payload))
  )
}

type Flags = NonNullable<RuleMatch['flags']>
const hasBits = (flags: Flags, least: Flags): boolean =>
  (flags.set & least.set) === least.set && (flags.clear & least.clear) === least.clear

/** isPart: each of some is in one of all; all of them where nothing is said. */
const isPart = <T>(
  some: readonly T[] | undefined,
  all: readonly T[] | undefined,
  isWithin: (each: T, one: T) => boolean,
): boolean => all === undefined || some?.every((each) => all.some((one) => isWithin(each, one))) === true

const isRangeIn = (range: Range, { first, last }: Range): boolean =>
  range.first >= first && range.last <= last
const isPrefixIn = (prefix: Prefix, one: Prefix): boolean =>
  prefix.length >= one.length && isIn(prefix.address, one)
