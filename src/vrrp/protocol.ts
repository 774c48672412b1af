// What main and the vrrp process say to each other over its Unix socket: JSON, one message a line (health/line.ts). Vrrp
// listens and goes on without main; main says what is to be, all of it each time, and is told at once what changes. The
// latest main that connected is the one that is told. A message of another version, or one that is not of the schema, ends
// the connection.
//
//   main                                     vrrp
//                                  <-        { kind: hello }, then { kind: status }, once connected
//   { kind: spec, spec }           ->        sets begun, changed, given up
//   { kind: tracked, name, isUp }  ->        how a service is: again after each hello
//   { kind: order, ... }           ->        an operator's word
//                                  <-        { kind: role }, { kind: finding }, as they come
//                                  <-        { kind: status }, after each of these soon, and each second

import { z } from 'zod'
import { vrrpSpecSchema } from './spec.ts'

/** VRRP_PROTOCOL: the version of the messages; a process of another one is replaced by main. */
export const VRRP_PROTOCOL = 3

const v = { v: z.literal(VRRP_PROTOCOL) }
const role = z.enum(['initialize', 'backup', 'active'])
const ms = z
  .number()
  .min(0)
  .max(2 ** 31)

/** toVrrpSchema: what main says. */
export const toVrrpSchema = z.discriminatedUnion('kind', [
  z.strictObject({ ...v, kind: z.literal('spec'), spec: vrrpSpecSchema }),
  /**
   * yield: gives the role up, and preempts nobody for `holdMs`. defer: for `holdMs` a node that leaves is left to another one.
   * maintenance: has no role until resume; kept over restarts. `set` absent: all sets.
   */
  z.strictObject({
    ...v,
    kind: z.literal('order'),
    set: z.string().exactOptional(),
    order: z.enum(['yield', 'defer', 'maintenance', 'resume']),
    holdMs: ms.default(0),
  }),
  /** What main knows of a tracked thing of kind `service`, by the name of its rule, in whatever sets. */
  z.strictObject({ ...v, kind: z.literal('tracked'), name: z.string(), isUp: z.boolean() }),
  /** For so long the set preempts nobody, counted from now; 0 ends it. `set` absent: all sets. */
  z.strictObject({ ...v, kind: z.literal('hold'), set: z.string().exactOptional(), ms }),
  /** Gives all roles up, with priority 0, and ends. */
  z.strictObject({ ...v, kind: z.literal('stop') }),
])
export type ToVrrp = z.infer<typeof toVrrpSchema>

const counters = z.strictObject({
  sent: z.int(),
  /** Adverts that counted. */
  received: z.int(),
  /** Packets that counted nothing, by the name of the refusal (finding.ts). */
  refused: z.record(z.string(), z.int()),
  /** Adverts that counted and were odd, by the name of the remark. */
  remarked: z.record(z.string(), z.int()),
  takeovers: z.int(),
  announced: z.int(),
  /** Adverts that the kernel did not take. */
  unsent: z.int(),
})
export type Counters = z.infer<typeof counters>

/** LATENESS_BOUNDS: upper bounds in ms of the counts in a lateness; one more count has what is above. */
export const LATENESS_BOUNDS = [0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 500] as const

/** How late adverts left, since the set began. */
const lateness = z.strictObject({
  counts: z.array(z.int()).length(LATENESS_BOUNDS.length + 1),
  sumMs: z.number(),
  worstMs: z.number(),
})
export type Lateness = z.infer<typeof lateness>

/** A fault: why the set may have no role. Names: rules', `link:NIC`, `packet-path`, `addresses`, `sending`, `maintenance`. */
const fault = z.strictObject({ name: z.string(), text: z.string() })
export type Fault = z.infer<typeof fault>

const router = z.strictObject({
  /** Network and family: lan/4. */
  name: z.string(),
  nic: z.string(),
  vrid: z.int(),
  role,
  /** The source of its adverts; absent while the NIC has none. */
  primary: z.string().exactOptional(),
})

const setStatus = z.strictObject({
  name: z.string(),
  role,
  /** Ms of the epoch. */
  since: z.number(),
  /** As it is now: tracking included. */
  priority: z.int(),
  faults: z.array(fault),
  /** What is tracked, as it counts. */
  tracks: z.array(z.strictObject({ name: z.string(), isUp: z.boolean(), text: z.string() })),
  /** Backup: who was heard last, and when (ms of the epoch). */
  active: z.strictObject({ from: z.string(), priority: z.int(), at: z.number() }).exactOptional(),
  /** Why its password or keys cannot be read any more; those that were read before count on. */
  unread: z.string().exactOptional(),
  /** Routes that could not be made, and why; that is tried again with each renewal. */
  unrouted: z.array(z.string()).exactOptional(),
  /** Until then nobody is preempted; ms of the epoch. */
  heldUntil: z.number().exactOptional(),
  routers: z.array(router),
  counters,
  lateness,
})
export type SetStatus = z.infer<typeof setStatus>

const roleChange = z.strictObject({
  set: z.string(),
  from: role,
  to: role,
  /** `name` is a Why's (event.ts), `text` says it in words. */
  why: z.strictObject({ name: z.string(), text: z.string() }),
  at: z.number(),
})
export type RoleChange = z.infer<typeof roleChange>

const findingTold = z.strictObject({
  set: z.string(),
  router: z.string(),
  /** A Finding's (finding.ts). */
  name: z.string(),
  text: z.string(),
  from: z.string().exactOptional(),
  /** How many like it were not told since the last one. */
  left: z.int(),
  at: z.number(),
})
export type FindingTold = z.infer<typeof findingTold>

/** vrrpToMainSchema: what vrrp says. */
export const vrrpToMainSchema = z.discriminatedUnion('kind', [
  z.strictObject({ ...v, kind: z.literal('hello'), pid: z.int(), startedAt: z.number() }),
  /** `problems`: what concerns the process itself: memory that is not locked, a spec that could not be kept. */
  z.strictObject({
    ...v,
    kind: z.literal('status'),
    at: z.number(),
    sets: z.array(setStatus),
    problems: z.array(z.string()),
  }),
  z.strictObject({ ...v, kind: z.literal('role'), ...roleChange.shape }),
  z.strictObject({ ...v, kind: z.literal('finding'), ...findingTold.shape }),
])
export type VrrpToMain = z.infer<typeof vrrpToMainSchema>
