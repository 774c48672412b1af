// What of a thing changes, in the words of the file, as far as a state still has them: `check: every: 1s -> 2s`. Its
// idea: only what differs is said, by the keys that lead there, so however much there is of a thing, a change of it is
// short. Pure.

import { formatEndpoint, formatIp, type Ip } from '../base/addresses.ts'
import { formatRate, formatSize } from '../base/amounts.ts'
import { formatDuration } from '../base/durations.ts'
import type { RouteOfSet } from '../config/failover-spec.ts'
import { formatRoute } from '../netlink/static-routes.ts'

/** Fields: a thing of a state, by its keys. */
export type Fields = Readonly<Record<string, unknown>>

/** SHOWN: characters of a value; BEFORE: of what two long ones have in common before they differ. */
const [SHOWN, BEFORE] = [60, 10]
/** LISTS: fields of which is said what comes and what goes; LISTED: so many of both. */
const LISTS: ReadonlySet<string> = new Set(['members', 'addresses', 'listeners', 'networks', 'routes'])
const LISTED = 6
/** THROUGH: keys that the file does not have: what is in them stands beside the others there. */
const THROUGH: ReadonlySet<string> = new Set(['rhythm', 'failover', 'parts', 'how', 'thing', 'match'])
/** NAMED: fields whose keys are names that somebody gave. */
const NAMED: ReadonlySet<string> = new Set('also headers nic nodes parts priorities track unicast'.split(' '))
/** RENAMED: keys that are others in the file. */
const RENAMED: Readonly<Record<string, string>> = { caFile: 'ca', newPerS: 'new', udpPerS: 'udp' }
/** SECONDS, RATES, SIZES: numbers that the file has with a unit; so have those whose key ends in Ms or S. */
const SECONDS: ReadonlySet<string> = new Set(['syn', 'established', 'fin', 'udp', 'timeout'])
const RATES: ReadonlySet<string> = new Set([
  'above',
  'below',
  'rate',
  'ceiling',
  'perSecond',
  'newPerS',
  'udpPerS',
])
const SIZES: ReadonlySet<string> = new Set(['memory', 'disk'])
/** IPS: keys under which numbers are IPv4 addresses. */
const IPS: ReadonlySet<string> = new Set(['address', 'also', 'addresses', 'nodes'])

/** text of a value, for comparing. */
export const text = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? formatIp(each as Ip) : each)) ?? ''

/** changeOf a thing: what differs, each with its key; of one that comes or goes what it is, and `none`. */
export function changeOf(old: unknown, now: unknown): string {
  const [a, b] = partsOf(old, now)
  return a && b ? fieldsChanged([], a, b).join('; ') : arrow([], old, now)
}

function fieldsChanged(under: readonly string[], old: Fields, now: Fields): string[] {
  const keys = [...new Set([...Object.keys(old), ...Object.keys(now)])]
  return keys.flatMap((key) => fieldChanged([...under, key], old[key], now[key]))
}

function fieldChanged(path: readonly string[], old: unknown, now: unknown): string[] {
  if (text(old) === text(now)) return []
  const key = path.at(-1)!
  if (LISTS.has(key)) return [listChanged(path, old, now)]
  const [a, b] = partsOf(old, now)
  if (!a || !b) return [`${labelOf(path)}${arrow(path, old, now)}`]
  const inner = fieldsChanged(path, a, b)
  if (THROUGH.has(key)) return inner
  return [`${labelOf(path, a.kind)}${inner.join(', ')}`]
}

/** labelOf what a path leads to: its key as the file has it; a probe stands there by its kind. */
function labelOf(path: readonly string[], kind?: unknown): string {
  const [above, key] = ['', ...path].slice(-2) as [string, string]
  if (NAMED.has(above)) return `${key}: `
  if (key === 'probe') return kind === undefined ? '' : `${String(kind)}: `
  const plain = RENAMED[key] ?? key.replace(/^is(?=[A-Z])|(?<=[a-z])(Ms|S)$/g, '')
  return `${plain.replace(/[A-Z]/g, (letter, at) => (at === 0 ? '' : '_') + letter.toLowerCase())}: `
}

/** partsOf two values that can be compared part by part: of one kind, or lists of things that have names. */
function partsOf(old: unknown, now: unknown): readonly [Fields?, Fields?] {
  const [a, b] = [byName(old), byName(now)]
  return a && b && a.kind === b.kind ? [a, b] : []
}

function byName(value: unknown): Fields | undefined {
  if (!Array.isArray(value)) return isThing(value) && wordsOf(value) === undefined ? value : undefined
  const names = value.map((each: Fields) => each.name ?? each.on ?? each.role)
  if (names.length === 0 || names.some((name) => typeof name !== 'string')) return undefined
  return Object.fromEntries(value.map((each: Fields, at) => [names[at], each]))
}

const isThing = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** listChanged: what of a list comes and goes: `members: + web04, - web01`. */
function listChanged(path: readonly string[], old: unknown, now: unknown): string {
  const [a, b] = [old, now].map(
    (list) => new Set((Array.isArray(list) ? list : []).map((each) => words(path, each))),
  )
  const gone = [...a!].filter((each) => !b!.has(each)).map((each) => `- ${each}`)
  const come = [...b!].filter((each) => !a!.has(each)).map((each) => `+ ${each}`)
  const all = [...gone, ...come]
  const label = labelOf(path)
  if (all.length === 0) return `${label}in another order`
  const more = all.length > LISTED ? `, and ${all.length - LISTED} more` : ''
  return `${label}${all.slice(0, LISTED).map(cut).join(', ')}${more}`
}

/** arrow from one value to another; of long ones from shortly before the place where they differ. */
function arrow(path: readonly string[], ...values: readonly [unknown, unknown]): string {
  const [a, b] = values.map((value) => words(path, value)) as [string, string]
  let same = 0
  while (same < a.length && a[same] === b[same]) same++
  const isLong = Math.max(a.length, b.length) > SHOWN && same > BEFORE
  const [from, to] = isLong ? [a, b].map((each) => `…${each.slice(same - BEFORE)}`) : [a, b]
  return `${cut(from!)} -> ${cut(to!)}`
}

const cut = (whole: string): string => (whole.length > SHOWN ? `${whole.slice(0, SHOWN)}…` : whole)

/** words of a value, all of them. */
function words(path: readonly string[], value: unknown): string {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return 'none'
  if (typeof value === 'string') return value === '' ? '""' : value
  if (typeof value === 'number') return numberWords(path, value)
  if (typeof value === 'bigint') return formatIp(value as Ip)
  if (Array.isArray(value)) return value.map((each) => words(path, each)).join(' ')
  if (!isThing(value)) return String(value)
  const known = wordsOf(value)
  if (known !== undefined) return known
  const { kind, ...rest } = value
  const all = Object.entries(rest).map(([key, each]) => {
    const label = key === 'probe' || THROUGH.has(key) ? '' : labelOf([...path, key])
    return `${label}${words([...path, key], each)}`
  })
  return [...(kind === undefined ? [] : [String(kind)]), ...all].join(', ')
}

function numberWords(path: readonly string[], value: number): string {
  const key = path.at(-1)!
  if (path.some((each) => IPS.has(each))) return formatIp(value as Ip)
  if (key === 'share') return value === 1 ? 'off' : `${Math.round(100 * value)}%`
  if (RATES.has(key)) return formatRate(value)
  if (SIZES.has(key)) return formatSize(value)
  if (/[a-z]Ms$/.test(key)) return formatDuration(value)
  return /[a-z]S$/.test(key) || SECONDS.has(key) ? formatDuration(1000 * value) : `${value}`
}

/** wordsOf what has a form of its own: a member, a listener, an address of a service, a network, a route, a range. */
function wordsOf(value: Fields): string | undefined {
  if (value.gateway !== undefined) {
    const { on, source, ...route } = value as unknown as RouteOfSet
    return `${formatRoute(route)} on ${on} from ${formatIp(source)}`
  }
  const { server, weight, address, port, lastPort = port, protocol, prefix, length } = value
  if (server !== undefined) return weight === 1 ? `${server}` : `${server} (weight ${weight})`
  const [first, last] = [value.first ?? value.from, value.last ?? value.to]
  if (typeof first === 'number') return first === last ? `${first}` : `${first}..${last}`
  // an address as text is a check's
  if (typeof address !== 'number' && typeof address !== 'bigint') return undefined
  const ip = formatIp(address as Ip)
  if (prefix !== undefined || length !== undefined) return `${ip}/${prefix ?? length}`
  if (port === undefined) return undefined
  if (protocol === undefined) return formatEndpoint({ address: address as Ip, port: port as number })
  return `${ip} ${protocol} ${lastPort === port ? port : `${port}..${lastPort}`}`
}
