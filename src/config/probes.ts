// What each kind of check asks, resolved: short forms in full, defaults filled in, and what contradicts itself or could
// never be good as a finding with its remedy.

import { formatIp, tryIp4, tryIp6 } from '../base/addresses.ts'
import { isDnsName, RCODES, type Rcode, RECORD_TYPES, type RecordType } from '../wire/dns.ts'
import { describe } from './check-shape.ts'
import type { Payload, SingleProbe, TlsProbe } from './check-spec.ts'
import type { Findings } from './findings.ts'
import { httpProbe } from './probe-http.ts'
import { rememberPlace } from './probe-places.ts'
import { checkHost, checkUser, patternOf, type Say } from './probe-words.ts'
import type { KindShapes, PLAIN_KINDS } from './schema-check.ts'
import { inside, keyOf, type Place } from './source.ts'

export type { KindShapes }
export type Kind = keyof KindShapes

/** KINDS: in the order in which messages name them. */
export const KINDS: readonly Kind[] = [
  'tcp',
  'http',
  'https',
  'tls',
  'ping',
  'udp',
  'dns',
  'ftp',
  'smtp',
  'redis',
  'postgres',
  'mysql',
  'grpc',
  'agent',
  'script',
]

/** plainProbe: a kind without options. */
export const plainProbe = (
  kind: (typeof PLAIN_KINDS)[number],
  at: Place,
  findings: Findings,
): SingleProbe | undefined => resolveProbe(kind, {}, at, findings)

/** resolveProbe: undefined where a finding says why. */
export function resolveProbe<K extends Kind>(
  kind: K,
  value: KindShapes[K],
  at: Place,
  findings: Findings,
): SingleProbe | undefined {
  const before = findings.count
  const say: Say = (message, ...path) => findings.add(path.length === 0 ? at : inside(at, ...path), message)
  const probe = resolvers[kind](value as never, say, at, findings)
  if (!probe || findings.count > before) return undefined
  rememberPlace(probe, at)
  return probe
}

type Resolver<K extends Kind> = (
  value: KindShapes[K],
  say: Say,
  at: Place,
  findings: Findings,
) => SingleProbe | undefined

const resolvers: { readonly [K in Kind]: Resolver<K> } = {
  tcp: (value, say) => ({ kind: 'tcp', ...payloadOf(value, say), ...expectationOf(value, say) }),
  udp: (value, say) => {
    const { send } = payloadOf(value, say)
    if (!send) say('a UDP check has to send something: write send: a text, or send_hex: bytes')
    return send && { kind: 'udp', send, ...expectationOf(value, say) }
  },
  http: (value, say) => httpProbe(typeof value === 'string' ? { path: value } : value, say),
  https: (value, say) => {
    const { name, verify, ca, days, ...request } = typeof value === 'string' ? { path: value } : value
    return { ...httpProbe(request, say), tls: tlsOf({ name, verify, ca, days }, say) }
  },
  tls: (value, say) => ({ kind: 'tls', ...tlsOf(value, say) }),
  ping: () => ({ kind: 'ping' }),
  ftp: () => ({ kind: 'ftp' }),
  dns: (value, say) => dnsProbe(typeof value === 'string' ? { name: value } : value, say),
  smtp: ({ hello = 'localhost', starttls, ...secure }, say, at, findings) => {
    if (!isDnsName(hello) || hello === '') say(`${describe(hello)} is not a name that EHLO can tell`, 'hello')
    if (starttls !== true) needs(secure, 'starttls', at, findings)
    return { kind: 'smtp', hello, ...(starttls === true && { tls: tlsOf(secure, say) }) }
  },
  redis: (value, say) => {
    if (value.user !== undefined && value.password_file === undefined)
      say('a user without a password: write password_file too, or remove user', 'user')
    return { kind: 'redis', ...loginOf(value, say) }
  },
  mysql: (value, say) => {
    if (value.user === undefined && value.password_file !== undefined)
      say('a password without a user: write user too', 'password_file')
    return { kind: 'mysql', ...loginOf(value, say) }
  },
  postgres: (value, say) => {
    if (value.user === undefined) say('PostgreSQL is always told a user: write { user: lb }')
    return {
      kind: 'postgres',
      ...loginOf(value, say),
      user: value.user ?? '',
      ...(value.database !== undefined && { database: noZero(value.database, 'database', say) }),
    }
  },
  grpc: ({ service = '', host, tls, ...secure }, say, at, findings) => {
    if (Buffer.byteLength(service) > 100) say('a service has 100 bytes at most', 'service')
    checkHost(host, say)
    if (tls !== true) needs(secure, 'tls', at, findings)
    return {
      kind: 'grpc',
      service,
      ...(host !== undefined && { host }),
      ...(tls === true && { tls: tlsOf(secure, say) }),
    }
  },
  agent: (value, say) => ({ kind: 'agent', ...payloadOf(value, say) }),
  script: (value, say) => scriptProbe(Array.isArray(value) ? { command: value } : value, say),
}

/** needs: options of TLS where there is none. */
function needs(secure: object, key: string, at: Place, findings: Findings): void {
  for (const [name, value] of Object.entries(secure))
    if (value !== undefined)
      findings.add(
        keyOf(inside(at, name)),
        `${name} is looked at with ${key}: true only: write that too, or remove it`,
      )
}

function payloadOf(
  { send, send_hex: hex }: { readonly send?: string | undefined; readonly send_hex?: string | undefined },
  say: Say,
): { send?: Payload } {
  if (send !== undefined && hex !== undefined)
    say('send and send_hex at once: remove one of them', 'send_hex')
  if (hex !== undefined) {
    if (!/^([0-9a-f]{2})+$/i.test(hex))
      say(`${describe(hex)} is not bytes in hexadecimal such as "00ff"`, 'send_hex')
    return { send: { hex } }
  }
  return send === undefined ? {} : { send: { text: send } }
}

function expectationOf({ expect }: { readonly expect?: string | undefined }, say: Say): { expect?: string } {
  return expect === undefined ? {} : { expect: patternOf(expect, 'expect', say) }
}

interface TlsShape {
  readonly name?: string | undefined
  readonly verify?: boolean | undefined
  readonly ca?: string | undefined
  readonly days?: number | undefined
}

function tlsOf({ name, verify = false, ca, days }: TlsShape, say: Say): TlsProbe {
  if (name !== undefined && (!isDnsName(name) || name === ''))
    say(`${describe(name)} is not a name of a host`, 'name')
  if (ca !== undefined && !verify)
    say('ca is looked at with verify: true only: write that too, or remove it', 'ca')
  return {
    verify,
    ...(name !== undefined && { name }),
    ...(ca !== undefined && { caFile: absolute(ca, 'ca', say) }),
    ...(days !== undefined && { days }),
  }
}

function loginOf(
  {
    user,
    password_file: file,
  }: { readonly user?: string | undefined; readonly password_file?: string | undefined },
  say: Say,
) {
  return {
    ...(user !== undefined && { user: noZero(user, 'user', say) }),
    ...(file !== undefined && { passwordFile: absolute(file, 'password_file', say) }),
  }
}

function noZero(text: string, key: string, say: Say): string {
  if (text.includes('\0')) say(`${key} has a zero in it`, key)
  return text
}

function absolute(path: string, key: string, say: Say): string {
  if (!path.startsWith('/') || path.includes('\0'))
    say(
      `${describe(path)} is not a whole path: write it from / on, since the checker has no folder of its own`,
      key,
    )
  return path
}

function dnsProbe(value: Exclude<KindShapes['dns'], string>, say: Say): SingleProbe {
  const { type = 'A', rcode = 'NOERROR', answer, tcp } = value
  const name = value.name.replace(/\.$/, '')
  if (!isDnsName(name))
    say(`${describe(value.name)} is not a name that DNS can be asked for`, ...at(value, 'name'))
  if (!Object.hasOwn(RECORD_TYPES, type))
    say(`${describe(type)} is not a type of record: write ${Object.keys(RECORD_TYPES).join(', ')}`, 'type')
  if (rcode !== 'any' && !(RCODES as readonly string[]).includes(rcode))
    say(`${describe(rcode)} is not a code of DNS: write ${RCODES.join(', ')} or any`, 'rcode')
  if (answer !== undefined && rcode !== 'NOERROR')
    say('an answer comes with NOERROR only: remove rcode, or answer', 'answer')
  const ip = answer === undefined ? undefined : addressOf(type, answer)
  const family = type === 'A' ? 'IPv4' : 'IPv6'
  if (answer !== undefined && rcode === 'NOERROR' && ip === 'none')
    say(`${type} is answered with an ${family} address, which ${describe(answer)} is not`, 'answer')
  return {
    kind: 'dns',
    transport: tcp === true ? 'tcp' : 'udp',
    name,
    type: type as RecordType,
    ...(rcode !== 'any' && { rcode: rcode as Rcode }),
    // As the checker writes what it is answered.
    ...(answer !== undefined && { answer: ip ?? answer }),
  }
}

/** addressOf an answer: in the one form; none: it is no address of that type; undefined: answers of that type are none. */
function addressOf(type: string, answer: string): string | undefined {
  if (type !== 'A' && type !== 'AAAA') return undefined
  const ip = type === 'A' ? tryIp4(answer) : tryIp6(answer)
  return ip === undefined ? 'none' : formatIp(ip)
}

/** at: where a key is; of a short form, which has none, at the probe. */
const at = (value: object, key: string): readonly string[] => (Object.keys(value).length === 1 ? [] : [key])

function scriptProbe(value: Exclude<KindShapes['script'], readonly string[]>, say: Say): SingleProbe {
  const { command, dynamic = false, user = 'nobody' } = value
  const [file = ''] = command
  if (!file.startsWith('/'))
    say('a script is named by its whole path: write [/usr/local/bin/check-web, "{address}"]')
  if (command.some((word) => word.includes('\0'))) say('a command has a zero in it')
  checkUser(user, say)
  return { kind: 'script', command: [...command], isDynamic: dynamic, user }
}
