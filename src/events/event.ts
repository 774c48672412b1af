// An event: one change of state that somebody may want to know of, with its cause in one line of words. It is plain
// data, the same in the log of events, on disk, in the API and in notifications. Its kind begins with what it is about
// (a server, a service, the node, a role), so that readers choose by that; new kinds are added at the end of a topic and never
// renamed, because files name them.

import { z } from 'zod'

/** severities: from what is routine to what needs somebody. `notice`: worth telling, nothing wrong (any more). */
export const severities = ['info', 'notice', 'warning', 'error'] as const
export type Severity = (typeof severities)[number]

/** isAtLeast: whether a severity is as grave as another. */
export const isAtLeast = (severity: Severity, least: Severity): boolean =>
  severities.indexOf(severity) >= severities.indexOf(least)

/** eventKinds: kind -> what has happened, for docs/events.md. */
export const eventKinds = {
  'server.up': 'checks find that a server answers; it gets traffic',
  'server.down': 'checks find that a server does not answer; its traffic goes to others',
  'server.reported': 'what a server says of its own weight is another: an agent, or a script with `dynamic`',
  'server.warned': 'a check has a warning: a certificate that expires soon',
  'server.ordered':
    'somebody said something of a server by hand: drain, weight, disable, and back; or a deadline passed',
  'server.found': 'a server answered for its address on the link, or has another MAC',
  'server.lost': 'a server no longer answers for its address on the link',
  'service.held': 'too many servers failed at once: the guard keeps the last good set',
  'service.released': 'the guard of a pool has ended',
  'service.quorum': 'a service has fewer servers than its quorum, or has it again',
  'service.sorry': 'the sorry servers of a service answer, or no longer do',
  'node.started': 'the daemon has started',
  'node.stopped': 'the daemon stops in order; forwarding goes on',
  'node.applied': 'the file was applied',
  'node.refused': 'the file has errors or cannot be applied; nothing changed',
  'node.changed': 'something of the machine was changed: a service address, a kernel setting',
  'node.healed': 'what somebody else had changed in the kernel was put right again',
  'node.problem': 'something is not as the file has it; `data.code` is the code of docs/errors.md',
  'node.solved': 'that is over',
  'node.checker': 'the process that looks at servers came, went or ended',
  'node.unkept': 'events are in memory only, since the file system of the state directory is read-only',
  'node.notify': 'notifications were dropped, or go out again',
  'node.peer': 'another node of the cluster is connected, cannot be reached, or is refused',
  'node.awaits': 'what was applied is taken back unless somebody confirms it in time',
  'node.confirmed': 'what was applied and waited to be confirmed counts for good',
  'node.reverted': 'what was applied was taken back: nobody confirmed it, or a node could not run it',
  'node.followed': 'this node had missed a change, and runs what the others run',
  'node.evidence':
    'what the recorder had around something bad was kept, or could not be; `data.file` says where',
  'node.test': 'a test of notifications that somebody asked for',
  'role.changed': 'this node became active or backup for an address set, or has no role',
  'role.conflict': 'another node was active for an address set as well, or this one was not run for too long',
  'role.flapping':
    'an address set was taken over too often in a short time, or its active node failed again and again, or that is over',
  'role.split': 'two nodes say that they are active for an address set, or no longer do',
  'role.ordered': 'somebody said something of roles by hand: failover, maintenance',
  'role.unheard': 'the active node is heard on some networks of an address set only, or on all of them again',
  'vrrp.refused': 'an advert of VRRP counted nothing; `data.name` says why',
  'vrrp.odd': 'an advert of VRRP counted, and something is odd about it; `data.name` says what',
  'vrrp.process': 'the process that holds addresses by roles came, went or ended',
  'flood.began': 'a service is flooded, or overloaded: which, how much, why, and what would help',
  'flood.ended': 'that is over',
  'flood.proof': 'sources of SYNs to a service have to prove that they are real, or no longer have to',
  'flood.ordered': 'somebody said something of floods by hand: a rule, a ban, proof of source; or it is over',
  'flood.rule': 'a rule matches packets of connections that exist: it may take more than a flood',
} as const satisfies Readonly<Record<`${string}.${string}`, string>>
export type EventKind = keyof typeof eventKinds

/** topics: what kinds begin with. */
export const topics = ['server', 'service', 'node', 'role', 'vrrp', 'flood'] as const
export type Topic = (typeof topics)[number]

/** topicOf a kind: `server` of `server.down`. */
export const topicOf = (kind: EventKind): Topic => kind.slice(0, kind.indexOf('.')) as Topic

const kinds = Object.keys(eventKinds) as [EventKind, ...EventKind[]]

/** subjectSchema: what an event is about, by the file's names; all that apply. */
const subject = {
  server: z.string().optional(),
  services: z.array(z.string()).optional().describe('the services that it is about'),
  pool: z.string().optional(),
  interface: z.string().optional(),
  set: z.string().optional().describe('an address set'),
}

/** eventSchema: `seq` counts over restarts of the daemon and is never used twice. */
export const eventSchema = z.object({
  seq: z.int().min(1).describe('its number: later events have higher ones, also after a restart'),
  time: z.string().describe('ISO 8601 in UTC'),
  severity: z.enum(severities),
  kind: z.enum(kinds).describe('docs/events.md'),
  ...subject,
  text: z.string().describe('what has happened, and why, in one line'),
  data: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .describe('the particulars as data; keys depend on the kind'),
})
export type Event = z.infer<typeof eventSchema>

/** NewEvent: as who records it says it; number and time come from the log of events. */
export interface NewEvent {
  readonly kind: EventKind
  readonly severity: Severity
  readonly server?: string
  readonly services?: readonly string[]
  readonly pool?: string
  readonly interface?: string
  /** set: an address set. */
  readonly set?: string
  /** One line, in plain words, the cause in it. Never a secret. */
  readonly text: string
  readonly data?: Readonly<Record<string, string | number | boolean>>
}

/** EventSink: where events are told. `record` never throws and never waits. */
export interface EventSink {
  record(event: NewEvent): void
}

/** TEXT_LIMIT: characters of a text, or of a text in data; the rest is cut. */
const TEXT_LIMIT = 600
/** DATA_LIMIT: entries of data; the rest is left out. */
const DATA_LIMIT = 20
/** SERVICES_LIMIT: services that are named; the rest is left out. */
const SERVICES_LIMIT = 100

/** eventOf: bounded, and one line, whatever it was made from. */
export function eventOf(event: NewEvent, seq: number, time: Date): Event {
  const { kind, severity, server, services, pool, interface: nic, set, text, data = {} } = event
  return {
    seq,
    time: time.toISOString(),
    severity,
    kind,
    ...(server !== undefined && { server: oneLine(server) }),
    ...(services !== undefined && { services: services.slice(0, SERVICES_LIMIT).map(oneLine) }),
    ...(pool !== undefined && { pool: oneLine(pool) }),
    ...(nic !== undefined && { interface: oneLine(nic) }),
    ...(set !== undefined && { set: oneLine(set) }),
    text: oneLine(text),
    data: Object.fromEntries(
      Object.entries(data)
        .slice(0, DATA_LIMIT)
        .map(([name, value]) => [name, typeof value === 'string' ? oneLine(value) : value]),
    ),
  }
}

/** oneLine: control characters escaped, so that nothing that a server says can write to a terminal or begin a line. */
function oneLine(text: string): string {
  const cut = text.length > TEXT_LIMIT ? `${text.slice(0, TEXT_LIMIT)}…` : text
  return cut.replace(/\p{Cc}|[\u2028\u2029]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
