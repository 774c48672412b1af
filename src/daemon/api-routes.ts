// The API's one table: what can be asked, with which words, and what comes back. The server, the API document
// and the command all start from it. A route calls one operation of the daemon and adds nothing.

import type { z } from 'zod'
import type { Endpoint, Protocol } from '../base/addresses.ts'
import type { RecorderReader } from '../engine/recorded.ts'
import type { EventReader } from '../events/event-log.ts'
import { type Content, contentSchema, decodeContent } from '../revisions/content.ts'
import {
  type CapturesAnswer,
  captureLineSchema,
  captureQuery,
  captureStream,
  capturesSchema,
} from './api-capture.ts'
import { clusterSchema, rotateQuery } from './api-cluster.ts'
import { eventLineSchema, eventsOf, eventsQuery, eventsSchema, followEvents } from './api-events.ts'
import type { FloodAnswer, FloodOrderAnswer } from './api-flood.ts'
import { floodRoutes } from './api-flood-routes.ts'
import { type NotifyTestAnswer, notifyTestQuery, notifyTestSchema } from './api-notify.ts'
import {
  type AppliedAnswer,
  appliedSchema,
  applyQuery,
  CONTENT_BODY_MAX,
  type HistoryAnswer,
  historySchema,
  type PlanAnswer,
  planSchema,
  revisionQuery,
  rollbackQuery,
  type ShowAnswer,
  type SyncAnswer,
  showSchema,
  syncQuery,
  syncSchema,
} from './api-revisions.ts'
import { nothing, type Route, route } from './api-route.ts'
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
import {
  type FailoverAnswer,
  failoverQuery,
  failoverSchema,
  type MaintenanceAnswer,
  maintenanceQuery,
  maintenanceSchema,
} from './api-schema-roles.ts'
import type { CheckFilter } from './check-details.ts'
import type { FailoverOrder } from './failover-orders.ts'
import type { FloodCommand } from './flood-meaning.ts'
import type { ClusterOperations } from './keep-cluster.ts'
import { version } from './version.ts'

/** NodeOperations: what the daemon can be asked of its own packet path, servers and events. All may throw TenbinError. */
export interface NodeOperations {
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
}

/** Operations: all that the daemon can be asked. */
export interface Operations extends NodeOperations {
  /** recorder: what was recorded of packets; undefined: nothing is. */
  readonly recorder: () => RecorderReader | undefined
  /** captures: what was kept around something bad. */
  captures(): Promise<CapturesAnswer>
  /** failover: sets of this node, or of whichever is active, move to another one. */
  failover(order: FailoverOrder): Promise<FailoverAnswer>
  /** maintain: this node gives all roles up and takes none, or may have roles again. */
  maintain(isOn: boolean, isForced: boolean): Promise<MaintenanceAnswer>
  /** flood: what is seen of floods, and what operators say of them. */
  readonly flood: {
    answer(): FloodAnswer
    order(command: FloodCommand): Promise<FloodOrderAnswer>
  }
  /** cluster: other nodes. */
  readonly cluster: ClusterOperations
  /** reload applies the file as it is now, or throws and changes nothing. */
  reload(cause: string, who: string): Promise<ReloadAnswer>
  /** revisions: changes of the file, and what was applied before. */
  readonly revisions: RevisionOperations
}

/** RevisionOperations: changes of the file, on all nodes. */
export interface RevisionOperations {
  /** plan: what a file would change on this node, or all that is wrong with it. */
  plan(content: Content): PlanAnswer
  apply(content: Content, query: z.output<typeof applyQuery>, who: string): Promise<AppliedAnswer>
  confirm(who: string): Promise<AppliedAnswer>
  rollback(query: z.output<typeof rollbackQuery>, who: string): Promise<AppliedAnswer>
  /** sync makes all nodes run what one runs. Throws REVISION_DIFFERS, APPLY_BUSY, NODES_MISSING. */
  sync(from: string | undefined): Promise<SyncAnswer>
  history(): HistoryAnswer
  /** show: by number or beginning of an id. Throws REVISION_UNKNOWN. */
  show(revision: string): ShowAnswer
}

/** OrderCommand: a command about a server; `deadlineMs` from now. */
export type OrderCommand =
  | { readonly kind: 'drain'; readonly deadlineMs?: number }
  | { readonly kind: 'undrain' }
  | { readonly kind: 'disable' }
  | { readonly kind: 'enable' }
  | { readonly kind: 'weight'; readonly weight: number }

/** StreamRoute: an answer that goes on: JSON, one `line` a line, until the reader goes. */
export interface StreamRoute<Query extends z.ZodObject = z.ZodObject> {
  readonly path: `/v1/${string}`
  readonly summary: string
  readonly query: Query
  readonly line: z.ZodType
  readonly open: (operations: Operations, query: z.output<Query>) => ReadableStream<Uint8Array>
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
  stream({
    path: '/v1/capture',
    summary:
      'Recorded packets: those of the time that `last` says, and with `follow`, or without `last`, each that comes',
    query: captureQuery,
    line: captureLineSchema,
    open: ({ recorder }, query) => captureStream(recorder, query, Date.now),
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
    isShared: true,
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
  ...floodRoutes,
  route({
    method: 'POST',
    path: '/v1/failover',
    summary:
      'An address set, or all, move to another node; nobody is taken back from for an hour, or for as long as `hold` says',
    query: failoverQuery,
    reply: failoverSchema,
    handle: (operations, { set, to, hold }) => operations.failover({ set, to, holdMs: hold }),
  }),
  route({
    method: 'POST',
    path: '/v1/maintenance',
    summary: 'This node gives all roles up and takes none, or may have roles again',
    query: maintenanceQuery,
    reply: maintenanceSchema,
    handle: (operations, { on, force }) => operations.maintain(on === 'true', force === 'true'),
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
    method: 'GET',
    path: '/v1/captures',
    summary:
      'What the recorder had around something bad, as it was kept on this node’s disk, also of other nodes',
    query: nothing,
    reply: capturesSchema,
    handle: (operations) => operations.captures(),
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
    method: 'GET',
    path: '/v1/cluster',
    summary: 'The other nodes: whether they are connected, since when, and why not',
    query: nothing,
    reply: clusterSchema,
    handle: ({ cluster }) => cluster.answer(),
  }),
  route({
    method: 'POST',
    path: '/v1/cluster/rotate',
    summary: 'Exchange the key that signs all nodes’ certificates for another one, on all nodes',
    query: rotateQuery,
    reply: clusterSchema,
    handle: ({ cluster }, { without = [] }) => cluster.rotate(without),
  }),
  route({
    method: 'POST',
    path: '/v1/cluster/leave',
    summary: 'Take this node out of its cluster: its keys are removed, and the other nodes are told',
    query: nothing,
    reply: clusterSchema,
    handle: ({ cluster }) => cluster.leave(),
  }),
  route({
    method: 'POST',
    path: '/v1/plan',
    summary:
      'What a file would change: what comes and goes, which part of new flows moves, which connections break',
    query: nothing,
    body: { schema: contentSchema, maxBytes: CONTENT_BODY_MAX },
    reply: planSchema,
    handle: ({ revisions }, _, { body }) => revisions.plan(decodeContent(body)),
  }),
  route({
    method: 'POST',
    path: '/v1/apply',
    summary:
      'Make all nodes run a file: all of it on all of them, or nothing and why; the revision is kept, the one of before comes back where it is not confirmed in time',
    query: applyQuery,
    body: { schema: contentSchema, maxBytes: CONTENT_BODY_MAX },
    reply: appliedSchema,
    handle: ({ revisions }, query, { body, who }) => revisions.apply(decodeContent(body), query, who),
  }),
  route({
    method: 'POST',
    path: '/v1/confirm',
    summary: 'What waits to be confirmed counts for good',
    query: nothing,
    reply: appliedSchema,
    handle: ({ revisions }, _, { who }) => revisions.confirm(who),
  }),
  route({
    method: 'POST',
    path: '/v1/rollback',
    summary:
      'Take back what waits to be confirmed; otherwise apply an earlier revision again, the one before by default',
    query: rollbackQuery,
    reply: appliedSchema,
    handle: ({ revisions }, query, { who }) => revisions.rollback(query, who),
  }),
  route({
    method: 'POST',
    path: '/v1/sync',
    summary:
      'Make all nodes run what one of them runs: that with the highest revision, or the one that is named',
    query: syncQuery,
    reply: syncSchema,
    handle: ({ revisions }, { from }) => revisions.sync(from),
  }),
  route({
    method: 'GET',
    path: '/v1/revisions',
    summary: 'What was applied, or was to be: when, by whom, why',
    query: nothing,
    reply: historySchema,
    handle: ({ revisions }) => revisions.history(),
  }),
  route({
    method: 'GET',
    path: '/v1/revision',
    summary: 'One revision with its files, byte for byte; by its number, or by the beginning of its id',
    query: revisionQuery,
    reply: showSchema,
    handle: ({ revisions }, { revision }) => revisions.show(revision),
  }),
  route({
    method: 'POST',
    path: '/v1/reload',
    summary: "Apply the daemon's file as it is now: all of it, or nothing and every finding",
    query: nothing,
    reply: reloadSchema,
    handle: (operations, _, { who }) => operations.reload('asked for by the API', who),
  }),
]
