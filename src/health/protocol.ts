// What main and the checker say to each other over their Unix socket: JSON, one message a line. The checker listens, so
// that a main that comes later finds it again; main says what is to be looked at, all of it each time, and the checker
// tells at once what changes. A message of another version, or one that is not of the schema, ends the connection.
//
//   main                                  checker
//   { orders: [...] }           ->        begins, goes on with, ends
//                               <-        { hello }, once connected
//                               <-        { states: [...] }, what is known of them
//                               <-        { changes: [...] }, as they come
//                               <-        { alive }, each second
//   { ask: [key, ...] }         ->        of these checks
//                               <-        { details: [...] }, with histories
//   { stop: true }              ->        ends

import { z } from 'zod'
import { checkSchema } from '../config/check-spec.ts'

/** PROTOCOL_VERSION: of the messages; a checker of another one is replaced by main. */
export const PROTOCOL_VERSION = 2

const standing = z.enum(['unknown', 'up', 'down'])

/** orderSchema: one check of one server. `seed`: what main takes it for until it was looked at. */
export const orderSchema = z.strictObject({
  key: z.string().min(1).max(100),
  check: checkSchema,
  address: z.string(),
  port: z.int().min(0).max(65_535),
  /** The service address that it goes to, at this server (`via: service`). */
  through: z.string().exactOptional(),
  seed: z.enum(['up', 'down']).exactOptional(),
})
export type Order = z.infer<typeof orderSchema>

const report = z.strictObject({
  share: z.number().exactOptional(),
  weight: z.int().exactOptional(),
  isDraining: z.boolean().exactOptional(),
})

const transition = z.strictObject({
  at: z.number(),
  from: standing,
  to: z.enum(['up', 'down']),
  text: z.string(),
  count: z.int(),
})

/** Looks in a row that found nothing, for a reason of this machine's own; the latest one's words. */
const fruitless = z.strictObject({ count: z.int(), text: z.string() })

/** stateSchema: `since` in ms of the epoch. `isLooked`: the standing is not merely handed down. `why`: of down. */
export const stateSchema = z.strictObject({
  key: z.string(),
  standing,
  since: z.number(),
  isLooked: z.boolean(),
  why: z.string().exactOptional(),
  fruitless: fruitless.exactOptional(),
  report: report.exactOptional(),
  warning: z.string().exactOptional(),
})
export type State = z.infer<typeof stateSchema>

const changeSchema = stateSchema.extend({ transition: transition.exactOptional() })
export type Change = z.infer<typeof changeSchema>

const history = z.strictObject({
  looks: z.int(),
  lastLook: z
    .strictObject({
      at: z.number(),
      outcome: z.enum(['good', 'bad', 'none']),
      text: z.string(),
      latencyMs: z.number(),
    })
    .exactOptional(),
  lastFailure: z.strictObject({ at: z.number(), text: z.string() }).exactOptional(),
  latencies: z.array(z.int()),
  transitions: z.array(transition),
})
const detailSchema = z.strictObject({ ...stateSchema.shape, streak: z.int(), history })
export type Detail = z.infer<typeof detailSchema>

/** Of all checks of a kind since the checker began: looks by outcome; good ones' times by LATENCY_BOUNDS, and their sum. */
const totals = z.strictObject({
  kind: z.string(),
  good: z.int(),
  bad: z.int(),
  none: z.int(),
  latencies: z.array(z.int()),
  sumMs: z.number(),
})

const aliveSchema = z.strictObject({
  at: z.number(),
  watched: z.int(),
  looks: z.int(),
  /** How late looks of the last second began: all but one of a hundred, and the latest. */
  lateP99Ms: z.number(),
  latestMs: z.number(),
  totals: z.array(totals),
  /** How late looks began since the checker did, by LATENCY_BOUNDS, and the sum. */
  lateness: z.strictObject({ counts: z.array(z.int()), sumMs: z.number() }),
  /** What stands still: checks by key, a few of them, and how many. */
  overdue: z.strictObject({ count: z.int(), keys: z.array(z.string()) }),
  /** The states could not be kept: why. */
  unkept: z.string().exactOptional(),
})
export type Alive = z.infer<typeof aliveSchema>

const v = { v: z.literal(PROTOCOL_VERSION) }

/** toCheckerSchema: what main says. */
export const toCheckerSchema = z.union([
  z.strictObject({ ...v, orders: z.array(orderSchema) }),
  z.strictObject({ ...v, ask: z.array(z.string()) }),
  /** Nobody will act on what is seen any more. */
  z.strictObject({ ...v, stop: z.literal(true) }),
])
export type ToChecker = z.infer<typeof toCheckerSchema>

/** toMainSchema: what the checker says. */
export const toMainSchema = z.union([
  z.strictObject({ ...v, hello: z.strictObject({ pid: z.int(), startedAt: z.number() }) }),
  z.strictObject({ ...v, states: z.array(stateSchema) }),
  z.strictObject({ ...v, changes: z.array(changeSchema) }),
  z.strictObject({ ...v, alive: aliveSchema }),
  z.strictObject({ ...v, details: z.array(detailSchema) }),
])
export type ToMain = z.infer<typeof toMainSchema>

/** WithoutVersion: a message as it is handed to a Line, which adds the version. */
export type WithoutVersion<Message> = Message extends unknown ? Omit<Message, 'v'> : never
