// A request of the API, as the table of routes has it (api-routes.ts): which words it takes, and what comes back.

import { z } from 'zod'
import type { Operations } from './api-routes.ts'

/** Asked: what else comes with a request. */
export interface Asked<Body = unknown> {
  readonly body: Body
  /** who asks, in words. */
  readonly who: string
}

export interface Route<
  Query extends z.ZodObject = z.ZodObject,
  Reply extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
> {
  readonly method: 'GET' | 'POST'
  readonly path: `/v1/${string}`
  readonly summary: string
  readonly query: Query
  /** body: of the request, JSON; absent: it has none. */
  readonly body?: { readonly schema: Body; readonly maxBytes: number }
  readonly reply: Reply
  /** isShared: those who ask at one time get one answer: costly, and the same for everybody. Its query is nothing. */
  readonly isShared?: true
  readonly handle: (
    operations: Operations,
    query: z.output<Query>,
    asked: Asked<z.output<Body>>,
  ) => z.output<Reply> | Promise<z.output<Reply>>
}

/** nothing: a request without words. */
export const nothing = z.strictObject({})

/** route checks that handler and schemas agree, then forgets which: the table is of one type. */
export function route<
  Query extends z.ZodObject,
  Reply extends z.ZodType,
  Body extends z.ZodType = z.ZodType<undefined>,
>(of: Route<Query, Reply, Body>): Route {
  return of as unknown as Route
}
