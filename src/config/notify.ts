// What the entries of `notify:` mean: each one way of telling, whose keys go together, with addresses that are addresses
// and secrets that are somewhere else. Whether files are there is the machine's matter (daemon/notify-files.ts).

import { isIP } from 'node:net'
import { parseDuration } from '../base/durations.ts'
import { TenbinError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'
import { type EventKind, eventKinds, type Severity, severities, type Topic, topics } from '../events/event.ts'
import { isDnsName } from '../wire/dns.ts'
import { describe } from './check-shape.ts'
import type { Findings } from './findings.ts'
import type { Entry, Merged } from './merge.ts'
import type {
  MailTarget,
  NotifyHow,
  NotifyTarget,
  ScriptTarget,
  SecretSource,
  WebhookTarget,
} from './notify-spec.ts'
import { checkUser } from './probe-words.ts'
import type { NotificationShape } from './schema-notify.ts'
import { inside, type Path } from './source.ts'

type Say = (message: string, ...at: Path) => void
type Key = keyof NotificationShape
const WAYS = ['mail', 'webhook', 'script'] as const
type Way = (typeof WAYS)[number]

/** Keys that belong to some ways only. */
const OF: Readonly<Partial<Record<Key, readonly Way[]>>> = {
  from: ['mail'],
  server: ['mail'],
  port: ['mail'],
  tls: ['mail'],
  gather: ['mail'],
  password_file: ['mail'],
  password_env: ['mail'],
  secret_file: ['webhook'],
  secret_env: ['webhook'],
  ca: ['mail', 'webhook'],
  user: ['mail', 'script'],
}
const RECIPIENTS_LIMIT = 50
const TARGETS_LIMIT = 32
const GATHER = { min: 1_000, max: 86_400_000, words: '1s to 24h', otherwise: 60_000 }
const TIMEOUT = { min: 1_000, max: 60_000, words: '1s to 60s', otherwise: 10_000 }

/** resolveNotify: the file's targets, in its order. */
export function resolveNotify(merged: Merged, findings: Findings): NotifyTarget[] {
  const extra = merged.notify[TARGETS_LIMIT]
  if (extra) findings.add(extra.place, `more than ${TARGETS_LIMIT} targets: let one of them tell others`)
  return merged.notify.flatMap((entry) => resolve(entry, findings) ?? [])
}

function resolve(
  { name, value, place }: Entry<NotificationShape>,
  findings: Findings,
): NotifyTarget | undefined {
  if (!value) return undefined
  const say: Say = (message, ...at) => findings.add(inside(place, ...at), message)
  const ways = WAYS.filter((way) => value[way] !== undefined)
  const [way] = ways
  if (ways.length !== 1 || !way) {
    say(
      ways.length === 0
        ? 'write how it is told: mail: ops@example.net, webhook: https://..., or script: [/path]'
        : `${ways.join(' and ')} are two ways: write an entry for each`,
    )
    return undefined
  }
  for (const key of Object.keys(value) as Key[])
    if (OF[key] && !OF[key].includes(way))
      say(`${key} belongs to ${OF[key].join(' or ')}, not to ${way}`, key)
  const how = { mail, webhook, script }[way](value, say)
  return {
    name,
    on: eventsOf(value, say),
    severity: severityOf(value, say),
    timeoutMs: durationOf('timeout', value.timeout, TIMEOUT, say),
    how,
  }
}

function mail(value: NotificationShape, say: Say): NotifyHow {
  const to = [value.mail ?? []].flat()
  if (to.length === 0 || to.length > RECIPIENTS_LIMIT)
    say(`mail takes 1 to ${RECIPIENTS_LIMIT} addresses`, 'mail')
  for (const [at, address] of to.entries())
    checkAddress(address, say, 'mail', ...(Array.isArray(value.mail) ? [at] : []))
  if (value.from !== undefined) checkAddress(value.from, say, 'from')
  const { server: host = '', tls = 'starttls' } = value
  if (host === '') say('mail needs a server: write server: mail.example.net')
  else if (!isHost(host))
    say(`${describe(host)} is no name or address of a host; its port is a key of its own`, 'server')
  if (!(TLS as readonly string[]).includes(tls))
    say(`${describe(tls)} is not a kind of TLS: write ${TLS.join(', ')}${didYouMean(tls, TLS)}`, 'tls')
  const password = secretOf(value, 'password', say)
  if (value.user !== undefined && !password)
    say('a user without a password: write password_file or password_env too, or remove user', 'user')
  if (value.user === undefined && password) say('a password without a user: write user too')
  if (tls === 'none' && password && !isLoopback(host))
    say('the password would go over the network in the clear: write starttls or tls', 'tls')
  const target: MailTarget = {
    kind: 'mail',
    to,
    from: value.from ?? '',
    host,
    port: value.port ?? PORTS[tls as MailTarget['tls']] ?? 25,
    tls: tls as MailTarget['tls'],
    ...(value.user !== undefined && password && { login: { user: value.user, password } }),
    ...caOf(value, say),
    gatherMs: durationOf('gather', value.gather, GATHER, say),
  }
  return target
}

const TLS = ['starttls', 'tls', 'none'] as const
const PORTS = { starttls: 587, tls: 465, none: 25 } as const

function webhook(value: NotificationShape, say: Say): NotifyHow {
  const { webhook: url = '' } = value
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  // The URL itself is not shown: part of it may be a secret.
  if (!parsed || (parsed.protocol !== 'https:' && parsed.protocol !== 'http:'))
    say('this is not a URL such as https://hooks.example.net/tenbin', 'webhook')
  else if (parsed.username !== '' || parsed.password !== '')
    say('a URL has no user and password here: sign with secret_file instead', 'webhook')
  else if (parsed.hash !== '') say('what is behind # is never sent: remove it', 'webhook')
  else if (parsed.protocol === 'http:' && !isLoopback(parsed.hostname.replace(/^\[|\]$/g, '')))
    say('events would go over the network in the clear: write https', 'webhook')
  const secret = secretOf(value, 'secret', say)
  const target: WebhookTarget = { kind: 'webhook', url, ...(secret && { secret }), ...caOf(value, say) }
  return target
}

function script(value: NotificationShape, say: Say): NotifyHow {
  const { script: command = [], user = 'nobody' } = value
  const [file = '', ...words] = command
  if (!file.startsWith('/')) say('a script is named by its whole path: write [/usr/local/bin/page]', 'script')
  if (command.some((word) => word.includes('\0'))) say('a command has a zero in it', 'script')
  checkUser(user, (message) => say(message, 'user'))
  const target: ScriptTarget = { kind: 'script', command: [file, ...words], user }
  return target
}

/** secretOf: where the secret is, if there is one. */
function secretOf(value: NotificationShape, what: 'password' | 'secret', say: Say): SecretSource | undefined {
  const [file, env] = [value[`${what}_file`], value[`${what}_env`]]
  if (file !== undefined && env !== undefined)
    say(`the ${what} is in one place: remove ${what}_file or ${what}_env`, `${what}_env`)
  if (file !== undefined) return { file: absolute(file, `${what}_file`, say) }
  if (env === undefined) return undefined
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(env))
    say(
      'this is no name of a variable such as TENBIN_SECRET: the secret itself does not belong here',
      `${what}_env`,
    )
  return { env }
}

function caOf({ ca }: NotificationShape, say: Say): { caFile?: string } {
  return ca === undefined ? {} : { caFile: absolute(ca, 'ca', say) }
}

function absolute(path: string, key: string, say: Say): string {
  if (!path.startsWith('/') || path.includes('\0'))
    say(`${describe(path)} is not a whole path: write it from / on`, key)
  return path
}

function eventsOf({ on = [...topics] }: NotificationShape, say: Say): (Topic | EventKind)[] {
  const known = [...topics, ...Object.keys(eventKinds)]
  const words = [on].flat()
  if (words.length === 0) say(`on takes some of ${topics.join(', ')}: nothing would be told`, 'on')
  for (const [at, word] of words.entries())
    if (!known.includes(word))
      say(
        `${describe(word)} is nothing that happens${didYouMean(word, known) || `: write ${topics.join(', ')}, or kinds such as server.down`}`,
        'on',
        ...(Array.isArray(on) ? [at] : []),
      )
  return words as (Topic | EventKind)[]
}

function severityOf({ severity = 'notice' }: NotificationShape, say: Say): Severity {
  if (!(severities as readonly string[]).includes(severity))
    say(`${describe(severity)} is not a severity: write ${severities.join(', ')}`, 'severity')
  return severity as Severity
}

function durationOf(
  key: 'gather' | 'timeout',
  text: string | undefined,
  bounds: typeof GATHER,
  say: Say,
): number {
  if (text === undefined) return bounds.otherwise
  try {
    const ms = parseDuration(text)
    if (ms >= bounds.min && ms <= bounds.max) return ms
    say(`${text} is out of range: ${key} is ${bounds.words}`, key)
  } catch (error) {
    if (!(error instanceof TenbinError)) throw error
    say(error.detail ?? error.message, key)
  }
  return bounds.otherwise
}

function checkAddress(address: string, say: Say, ...at: Path): void {
  if (!isMailAddress(address))
    say(`${describe(address)} is not a mail address such as ops@example.net`, ...at)
}

/** isMailAddress: a Dot-string and a domain (RFC 5321 4.1.2), without names, quotes or address literals; ASCII. */
export function isMailAddress(text: string): boolean {
  const [local = '', domain = '', ...more] = text.split('@')
  const isDotString = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/.test(local)
  return more.length === 0 && isDotString && local.length <= 64 && domain.length <= 255 && isDomain(domain)
}

const isDomain = (text: string): boolean =>
  text.split('.').every((label) => /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(label)) &&
  !/(^|\.)\d+$/.test(text)

const isHost = (text: string): boolean => isIP(text) !== 0 || (isDnsName(text) && isDomain(text))

/** isLoopback: of this machine, by whatever name. */
const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
