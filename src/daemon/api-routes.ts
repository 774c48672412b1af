// The API's one table: what can be asked, with which words, and what comes back. The server, the API document
// and the command all start from it. A route calls one operation of the daemon and adds nothing.

import { z } from 'zod'
import type { Endpoint, Protocol } from '../base/addresses.ts'
import type { EventReader } from '../events/event-log.ts'
import { eventLineSchema, eventsOf, eventsQuery, eventsSchema, followEvents } from './api-events.ts'
import { type NotifyTestAnswer, notifyTestQuery, notifyTestSchema } from './api-notify.ts'
import {
  drainQuery,
  type ListingAnswer,
  listingSchema,
  type OrderAnswer,
  orderQuery,
  orderSchema,
  type ReloadAnswer,
  reloadSchema,
  type Status,
  statusSchema,
  type TraceAnswer,
  traceQuery,
  traceSchema,
  versionSchema,
  weightQuery,
} from './api-schema.ts'
import { type ChecksAnswer, checksQuery, checksSchema } from './api-schema-checks.ts'
import type { CheckFilter } from './check-details.ts'
import { version } from './version.ts'

/** Operations: what the daemon can be asked. All may throw TenbinError. */
export interface Operations {
  /** events: what has happened. */
  readonly events: EventReader
  status(): Promise<Status>
  trace(client: Endpoint, listener: Endpoint, protocol: Protocol): TraceAnswer
  listing(): ListingAnswer
  /** checks: what those of a service or a server have seen. */
  checks(filter: CheckFilter): Promise<ChecksAnswer>
  /** order does what a command about a server says, in all pools that have it or in that of one service. */
  order(command: OrderCommand, server: string, service: string | undefined): Promise<OrderAnswer>
  /** notifications: who is told of it. */
  readonly notifications: { test(target: string | undefined): Promise<NotifyTestAnswer> }
  /** reload applies the file as it is now, or throws and changes nothing. */
  reload(cause: string): Promise<ReloadAnswer>
}

/** OrderCommand: a command about a server; `deadlineMs` from now. */
export type OrderCommand =
  | { readonly kind: 'drain'; readonly deadlineMs?: number }
  | { readonly kind: 'undrain' }
  | { readonly kind: 'disable' }
  | { readonly kind: 'enable' }
  | { readonly kind: 'weight'; readonly weight: number }

export interface Route<Query extends z.ZodObject = z.ZodObject, Reply extends z.ZodType = z.ZodType> {
  readonly method: 'GET' | 'POST'
  readonly path: `/v1/${string}`
  readonly summary: string
  readonly query: Query
  readonly reply: Reply
  readonly handle: (
    operations: Operations,
    query: z.output<Query>,
  ) => z.output<Reply> | Promise<z.output<Reply>>
}

/** StreamRoute: an answer that goes on: JSON, one `line` a line, until the reader goes. */
export interface StreamRoute<Query extends z.ZodObject = z.ZodObject> {
  readonly path: `/v1/${string}`
  readonly summary: string
  readonly query: Query
  readonly line: z.ZodType
  readonly open: (operations: Operations, query: z.output<Query>) => ReadableStream<Uint8Array>
}

const nothing = z.strictObject({})

/** route checks that handler and schemas agree, then forgets which: the table is of one type. */
function route<Query extends z.ZodObject, Reply extends z.ZodType>(of: Route<Query, Reply>): Route {
  return of as unknown as Route
}

function stream<Query extends z.ZodObject>(of: StreamRoute<Query>): StreamRoute {
  return of as unknown as StreamRoute
}

/** streams: requests whose answers go on. */
export const streams: readonly StreamRoute[] = [
  stream({
    path: '/v1/events/stream',
    summary: 'What is kept and asked for of what has happened, then each event that comes',
    query: eventsQuery,
    line: eventLineSchema,
    open: ({ events }, query) => followEvents(events, query, new Date()),
  }),
]

/** routes: every other request of the API. */
export const routes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/version',
    summary: 'Which tenbin this is',
    query: nothing,
    reply: versionSchema,
    handle: () => ({ name: 'tenbin', version, api: 'v1', pid: process.pid }) as const,
  }),
  route({
    method: 'GET',
    path: '/v1/status',
    summary: 'What is: node, interface, program, addresses, services, servers, packets by outcome',
    query: nothing,
    reply: statusSchema,
    handle: (operations) => operations.status(),
  }),
  route({
    method: 'GET',
    path: '/v1/trace',
    summary: 'Where a packet of a client to a listener goes, and every step of why',
    query: traceQuery,
    reply: traceSchema,
    handle: (operations, { client, listener, protocol }) => operations.trace(client, listener, protocol),
  }),
  route({
    method: 'GET',
    path: '/v1/checks',
    summary:
      'What checks of a service or a server have seen: latencies, the last failure, why the standing changed',
    query: checksQuery,
    reply: checksSchema,
    handle: (operations, filter) => operations.checks(filter),
  }),
  route({
    method: 'GET',
    path: '/v1/listing',
    summary: 'The program that runs, instruction by instruction, with its source lines',
    query: nothing,
    reply: listingSchema,
    handle: (operations) => operations.listing(),
  }),
  route({
    method: 'POST',
    path: '/v1/drain',
    summary:
      'No new flows to a server, in all pools that have it or in that of a service; those it has stay, until the deadline',
    query: drainQuery,
    reply: orderSchema,
    handle: (operations, { server, service, deadline }) =>
      operations.order(
        { kind: 'drain', ...(deadline !== undefined && { deadlineMs: deadline }) },
        server,
        service,
      ),
  }),
  ...(
    [
      ['undrain', 'New flows to a drained server again'],
      ['disable', 'A server is as if it had failed: its flows go by on_failure'],
      ['enable', 'A disabled server, or one whose drain is past its deadline, is as the file has it again'],
    ] as const
  ).map(([kind, summary]) =>
    route({
      method: 'POST',
      path: `/v1/${kind}`,
      summary,
      query: orderQuery,
      reply: orderSchema,
      handle: (operations, { server, service }) => operations.order({ kind }, server, service),
    }),
  ),
  route({
    method: 'POST',
    path: '/v1/weight',
    summary: "A server's weight, from 0 to the file's; that again takes it back",
    query: weightQuery,
    reply: orderSchema,
    handle: (operations, { server, service, weight }) =>
      operations.order({ kind: 'weight', weight }, server, service),
  }),
  route({
    method: 'GET',
    path: '/v1/events',
    summary: 'What has happened: all that is kept, or what is asked for of it',
    query: eventsQuery,
    reply: eventsSchema,
    handle: ({ events }, query) => eventsOf(events, query, new Date()),
  }),
  route({
    method: 'POST',
    path: '/v1/notify/test',
    summary: 'Tell whoever is told of events of a test, and say what came of it',
    query: notifyTestQuery,
    reply: notifyTestSchema,
    handle: (operations, { target }) => operations.notifications.test(target),
  }),
  route({
    method: 'POST',
    path: '/v1/reload',
    summary: 'Apply the file as it is now: all of it, or nothing and every finding',
    query: nothing,
    reply: reloadSchema,
    handle: (operations) => operations.reload('asked for by the API'),
  }),
]
