// The words of a rule, `tcp: syn, window: 0, length: 40..60, source: 203.0.113.0/24`, as what it matches. Used for the file and
// for rules that are added by hand; what is wrong is said of a place inside the rule. Whether the rule makes sense as a whole
// is rule-sense.ts's.

import { formatRate, tryRate } from '../base/amounts.ts'
import { bitsOf, formatPrefix, type Prefix, tryPrefix } from '../base/prefix.ts'
import { type Payload, type Range, type RuleMatch, TCP_FLAGS, type TcpFlag } from '../dataplane/rule.ts'
import type { RuleSpec } from '../engine/defence-spec.ts'
import { describe } from './check-shape.ts'
import type { RuleShape } from './schema-defence.ts'
import type { Path } from './source.ts'

/** Say: what is wrong, and where inside the rule. */
export type Say = (message: string, ...at: Path) => void

/** RULE_PREFIXES, RULE_RANGES, RULE_PAYLOADS: at most so many in one key of a rule. */
export const RULE_PREFIXES = 16
const RULE_RANGES = 16
const RULE_PAYLOADS = 4

/** RATE_LIMIT: rates a second are at most so high: the packet path counts in 32 bits, and adds up. */
const RATE_LIMIT = 100_000_000

/** NAMED: the flags that a rule with flags says all of: those that it does not name are not set. */
const NAMED: readonly TcpFlag[] = ['fin', 'syn', 'rst', 'ack']

/** readRule: the words as a rule, as far as they are right. */
export function readRule(shape: RuleShape, say: Say): Omit<RuleSpec, 'name'> {
  const { action = 'count', record = false, services } = shape
  return {
    match: readMatch(shape, say),
    ...(typeof action === 'string' ? { action } : limitOf(action.limit, say)),
    record,
    ...(services !== undefined && { services: [...new Set(listOf(services))] }),
  }
}

function limitOf(text: string, say: Say): Pick<RuleSpec, 'action' | 'perSecond'> {
  const perSecond = readRate(text, (message) => say(message, 'action', 'limit'))
  return { action: 'limit', perSecond: perSecond ?? 1 }
}

/** readRate: `100/s`, up to `most`; undefined: what is wrong with it is said. */
export function readRate(
  text: string,
  say: (message: string) => void,
  most = RATE_LIMIT,
): number | undefined {
  const rate = tryRate(text)
  if (rate !== undefined && rate <= most) return rate
  say(
    rate === undefined
      ? `${describe(text)} is no rate: write 100/s`
      : `${text} is out of range: 1/s to ${formatRate(most)}`,
  )
  return undefined
}

function readMatch(shape: RuleShape, say: Say): RuleMatch {
  const { tcp, udp, window, options, length, ttl, source, destination, source_ports, ports, payload } = shape
  const isTcp = tcp !== undefined || window !== undefined || options !== undefined
  if (udp !== undefined && isTcp) {
    const [key] = (['tcp', 'window', 'options'] as const).filter((each) => shape[each] !== undefined)
    say(`${key} is of TCP, and the rule says udp: remove one of them`, key!)
  }
  const flags = tcp === undefined ? undefined : flagsOf(tcp, say)
  const protocol = udp !== undefined ? ('udp' as const) : isTcp ? ('tcp' as const) : undefined
  const at = <T>(key: string, value: T | undefined, read: (value: T, say: Say) => unknown) => {
    if (value === undefined) return {}
    const result = read(value, (message, ...path) => say(message, key, ...path))
    return result === undefined ? {} : { [key === 'source_ports' ? 'sourcePorts' : key]: result }
  }
  return {
    ...(protocol && { protocol }),
    ...(flags && { flags }),
    ...at('window', window, (value, tell) => rangeOf(value, 65_535, tell)),
    ...(options !== undefined && { options }),
    ...at('length', length, (value, tell) => rangeOf(value, 65_535, tell)),
    ...at('ttl', ttl, (value, tell) => rangeOf(value, 255, tell)),
    ...at('source', source, prefixesOf),
    ...at('destination', destination, prefixesOf),
    ...at('source_ports', source_ports, rangesOf),
    ...at('ports', ports, rangesOf),
    ...at('payload', payload, payloadsOf),
  }
}

/** flagsOf: `syn` is a SYN alone; of the flags that say what a segment is those that are not named are not set. */
function flagsOf(text: string, say: Say): RuleMatch['flags'] {
  if (text === 'any') return undefined
  const names = text === 'none' ? [] : text.split('+')
  const wrong = names.find((name) => !Object.hasOwn(TCP_FLAGS, name))
  if (wrong !== undefined) {
    say(`${describe(wrong)} is no flag of TCP: write syn, syn+ack, any, or none`, 'tcp')
    return undefined
  }
  const bits = (flags: readonly string[]) => flags.reduce((sum, name) => sum | TCP_FLAGS[name as TcpFlag], 0)
  const all = text === 'none' ? Object.keys(TCP_FLAGS).slice(0, 6) : NAMED
  return { set: bits(names), clear: bits(all.filter((name) => !names.includes(name))) }
}

function rangeOf(value: number | string, most: number, say: Say, ...at: Path): Range | undefined {
  if (typeof value === 'number') return { first: value, last: value }
  const [, first, last] = /^(\d{1,5})\.\.(\d{1,5})$/.exec(value) ?? []
  if (first === undefined || Number(last) > most) {
    say(`${describe(value)} is no range from 0 to ${most}: write 0..${most}`, ...at)
    return undefined
  }
  const range = { first: Number(first), last: Number(last) }
  if (range.first <= range.last) return range
  say(`${value} runs backwards: write ${last}..${first}`, ...at)
  return undefined
}

/** each item of a value that is one or a list; `read` says what is wrong of it. undefined: none is right. */
function each<T, Result>(
  value: T | readonly T[],
  most: number,
  say: Say,
  read: (item: T, ...at: Path) => Result | undefined,
): Result[] | undefined {
  const items = listOf(value)
  if (items.length === 0) say('an empty list matches nothing: remove it')
  if (items.length > most) say(`${items.length} are too many: at most ${most}, or make a second rule`)
  const results = items.flatMap((item, i) => read(item, ...(Array.isArray(value) ? [i] : [])) ?? [])
  return results.length === items.length ? results : undefined
}

const rangesOf = (value: NonNullable<RuleShape['ports']>, say: Say): Range[] | undefined =>
  each(value, RULE_RANGES, say, (item, ...at) => rangeOf(item, 65_535, say, ...at))

function prefixesOf(value: string | readonly string[], say: Say): Prefix[] | undefined {
  const read = each(value, RULE_PREFIXES, say, (item, ...at) => prefixAt(item, say, ...at))
  if (!read || new Set(read.map(({ address }) => bitsOf(address))).size < 2) return read
  say('IPv4 and IPv6 do not mix in a rule: make one for each')
  return undefined
}

/** prefixAt reads a network, or says what is wrong with it. */
export function prefixAt(text: string, say: Say, ...at: Path): Prefix | undefined {
  const read = tryPrefix(text)
  if (!read) {
    say(`${describe(text)} is no network such as 203.0.113.0/24 or 2001:db8::/32`, ...at)
    return undefined
  }
  const { address, length, isExact } = read
  if (isExact) return { address, length }
  say(`${text} has bits behind its length: write ${formatPrefix(read)}`, ...at)
  return undefined
}

const payloadsOf = (value: NonNullable<RuleShape['payload']>, say: Say): Payload[] | undefined =>
  each(value, RULE_PAYLOADS, say, ({ at, bytes }, ...path) => {
    if (/^([0-9A-Fa-f]{2}){1,16}$/.test(bytes)) return { at, bytes: [...Buffer.from(bytes, 'hex')] }
    say(`${describe(bytes)} is not 1 to 16 bytes in hexadecimal: write "dead"`, ...path, 'bytes')
    return undefined
  })

const listOf = <T>(value: T | readonly T[]): readonly T[] =>
  Array.isArray(value) ? (value as readonly T[]) : [value as T]
