// Ranges as the file writes them: `web01..10` is ten names, `192.168.8.11..20` ten addresses, a plain name or
// address is a range of one. The end repeats the last digits only, or, for addresses, may be written in full. A
// range is read and counted before anything is expanded, so that no text makes more than RANGE_LIMIT of anything.

import { formatIp, type Ip, type Ip4, type Ip6, isIp4, tryIp4, tryIp6 } from './addresses.ts'
import { TenbinError } from './errors.ts'

/** RANGE_LIMIT: the most that one range may stand for; server ids have 15 bits. */
export const RANGE_LIMIT = 32_767

/** NameRange: names `stem` + a number from `first`, zero-padded to `width`; a plain name has count 1, width 0. */
export interface NameRange {
  readonly stem: string
  readonly first: number
  readonly width: number
  readonly count: number
}

/** AddressRange: `count` consecutive addresses from `first`. */
export interface AddressRange {
  readonly first: Ip
  readonly count: number
}

function refuse(text: string, detail: string): never {
  throw new TenbinError('RANGE_INVALID', 'read range', { detail: `"${text}" ${detail}` })
}

/** counted: how many there are from `first` to `last`. Throws RANGE_INVALID. */
function counted(text: string, first: number, last: number, name: (n: number) => string): number {
  if (last < first) refuse(text, `runs backwards: write ${name(last)}..${name(first)}, the smaller end first`)
  const count = last - first + 1
  if (count > RANGE_LIMIT) refuse(text, `is ${count} of them: at most ${RANGE_LIMIT} are possible`)
  return count
}

/** isName: a letter, then letters, digits, `-`, `_` and single dots; 63 characters at most; ends in a letter or digit. */
export const isName = (text: string): boolean =>
  text.length <= 63 && /^[A-Za-z](?:[A-Za-z0-9_-]|\.(?!\.))*$/.test(text) && /[A-Za-z0-9]$/.test(text)

const nameRule = 'a name is a letter, then letters, digits, "-", "_" and ".", at most 63'

/** parseNames reads `web01` or `web01..10`. Throws RANGE_INVALID. */
export function parseNames(text: string): NameRange {
  const parts = text.split('..')
  if (parts.length === 1) {
    if (!isName(text)) refuse(text, `is not a name: ${nameRule}`)
    return { stem: text, first: 0, width: 0, count: 1 }
  }
  const start = /^(.*?)(\d{1,9})$/.exec(parts[0]!)
  if (parts.length > 2 || !start) return refuse(text, 'is not a range of names such as web01..10')
  const [stem, digits] = [start[1]!, start[2]!]
  const end = parts[1]!.startsWith(stem) ? parts[1]!.slice(stem.length) : parts[1]!
  if (!/^\d{1,9}$/.test(end)) return refuse(text, 'is not a range of names such as web01..10')
  if (end !== parts[1]) return refuse(text, `repeats the name behind "..": write ${parts[0]}..${end}`)
  if (!isName(`${stem}${digits}`) || stem.length + Math.max(digits.length, end.length) > 63)
    return refuse(text, `is not a range of names: ${nameRule}`)
  const [first, last, width] = [Number(digits), Number(end), digits.length]
  const count = counted(text, first, last, (n) => (n === last ? `${stem}${pad(n, width)}` : pad(n, width)))
  return { stem, first, width, count }
}

const pad = (n: number, width: number): string => String(n).padStart(width, '0')

/** nameAt: the range's name number `index`, from 0. */
export const nameAt = ({ stem, first, width }: NameRange, index: number): string =>
  width === 0 ? stem : `${stem}${pad(first + index, width)}`

/** namesOf: every name of the range, in order. */
export const namesOf = (range: NameRange): string[] =>
  Array.from({ length: range.count }, (_, index) => nameAt(range, index))

const ADDRESS_RANGE = 'is not an address or a range such as 192.168.8.11..20 or 2001:db8::11..20'

/**
 * parseAddresses reads `192.0.2.1`, `192.0.2.1..20` or `192.0.2.1..192.0.3.4`, and the same of IPv6, whose short
 * end repeats the last group, in hexadecimal: `2001:db8::11..20`. Throws RANGE_INVALID.
 */
export function parseAddresses(text: string): AddressRange {
  const parts = text.split('..')
  const [start, end] = [parts[0]!, parts[1]]
  const first = tryIp4(start) ?? tryIp6(start)
  if (parts.length > 2 || first === undefined) return refuse(text, ADDRESS_RANGE)
  if (end === undefined) return { first, count: 1 }
  const full = tryIp4(end) ?? tryIp6(end)
  if (full !== undefined) {
    if (isIp4(first) !== isIp4(full)) return refuse(text, 'begins in one address family and ends in another')
    return { first, count: counted(text, 0, distance(first, full), (n) => formatIp(plus(first, n))) }
  }
  return isIp4(first) ? shortRange4(text, first, end) : shortRange6(text, first, end)
}

function shortRange4(text: string, first: Ip4, end: string): AddressRange {
  if (!/^(0|[1-9]\d{0,8})$/.test(end)) return refuse(text, ADDRESS_RANGE)
  const [low, last] = [first % 256, Number(end)]
  if (last > 255) {
    const whole = formatIp(Math.min(first + last - low, 0xffffffff) as Ip4)
    refuse(text, `runs past .255: write its end in full, ${formatIp(first)}..${whole}`)
  }
  const net = first - low
  return {
    first,
    count: counted(text, low, last, (n) => (n === last ? formatIp((net + n) as Ip4) : String(n))),
  }
}

function shortRange6(text: string, first: Ip6, end: string): AddressRange {
  if (!/^[0-9a-fA-F]{1,4}$/.test(end)) return refuse(text, ADDRESS_RANGE)
  const [low, last] = [Number(first & 0xffffn), Number.parseInt(end, 16)]
  const net = first - BigInt(low)
  const name = (n: number) => (n === last ? formatIp((net + BigInt(n)) as Ip6) : n.toString(16))
  return { first, count: counted(text, low, last, name) }
}

/** distance: how far `to` is behind `from`; as far as a range may be, and more, is told apart. */
function distance(from: Ip, to: Ip): number {
  const apart = BigInt(to) - BigInt(from)
  const far = BigInt(RANGE_LIMIT) * 1_000_000n
  return Number(apart > far ? far : apart < -far ? -far : apart)
}

const plus = (address: Ip, n: number): Ip =>
  isIp4(address) ? ((address + n) as Ip4) : ((address + BigInt(n)) as Ip6)

/** addressAt: the range's address number `index`, from 0. */
export const addressAt = ({ first }: AddressRange, index: number): Ip => plus(first, index)
