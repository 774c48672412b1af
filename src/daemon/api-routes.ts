// The API's one table: what can be asked, with which words, and what comes back. The server, the API document
// and the command all start from it. A route calls one operation of the daemon and adds nothing.

import { z } from 'zod'
import type { Endpoint, Protocol } from '../base/addresses.ts'
import {
  type ListingAnswer,
  listingSchema,
  type ReloadAnswer,
  reloadSchema,
  type Status,
  statusSchema,
  type TraceAnswer,
  traceQuery,
  traceSchema,
  versionSchema,
} from './api-schema.ts'
import { version } from './version.ts'

/** Operations: what the daemon can be asked. All may throw TenbinError. */
export interface Operations {
  status(): Promise<Status>
  trace(client: Endpoint, listener: Endpoint, protocol: Protocol): TraceAnswer
  listing(): ListingAnswer
  /** reload applies the file as it is now, or throws and changes nothing. */
  reload(cause: string): Promise<ReloadAnswer>
}

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

const nothing = z.strictObject({})

/** route checks that handler and schemas agree, then forgets which: the table is of one type. */
function route<Query extends z.ZodObject, Reply extends z.ZodType>(of: Route<Query, Reply>): Route {
  return of as unknown as Route
}

/** routes: every request of the API. */
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
    path: '/v1/listing',
    summary: 'The program that runs, instruction by instruction, with its source lines',
    query: nothing,
    reply: listingSchema,
    handle: (operations) => operations.listing(),
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
