// The API as an application: a request in, an answer out, no socket. Requests are read by the routes' schemas;
// everything that goes wrong is answered as {error: {code, message, remedy}}. An answer that does not fit its own
// schema is a bug and is answered as one.

import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { z } from 'zod'
import { type ErrorCode, errorCatalogue } from '../base/error-catalogue.ts'
import { TenbinError } from '../base/errors.ts'
import { type Operations, routes, streams } from './api-routes.ts'
import type { ApiError } from './api-schema.ts'
import type { Log } from './log.ts'
import { problem, problemsOf } from './problem.ts'

/** BODY_MAX: bytes of a request's body. */
const BODY_MAX = 64 * 1024

const httpStatus: Partial<Record<ErrorCode, ContentfulStatusCode>> = {
  REQUEST_INVALID: 400,
  ROUTE_UNKNOWN: 404,
  SERVER_UNKNOWN: 404,
  SERVICE_UNKNOWN: 404,
  TARGET_UNKNOWN: 404,
  NOT_APPLIED: 409,
  ORDER_REFUSED: 409,
  REQUEST_TOO_LARGE: 413,
  CONFIG_INVALID: 422,
  CONFIG_UNREADABLE: 422,
  FOLLOWERS_LIMIT: 503,
}

/** apiApp answers requests by `operations`; what is a bug is logged with its stack. */
export function apiApp(operations: Operations, log: Log): Hono {
  const app = new Hono()
  app.use(
    bodyLimit({
      maxSize: BODY_MAX,
      onError: () => {
        throw new TenbinError('REQUEST_TOO_LARGE', 'request', { detail: `a body above ${BODY_MAX} bytes` })
      },
    }),
  )
  for (const route of routes) {
    app.on(route.method, route.path, async (context) => {
      const query = readQuery(`${route.method} ${route.path}`, route.query, new URL(context.req.url))
      const reply = await route.handle(operations, query)
      return context.json(route.reply.parse(reply) as object)
    })
  }
  for (const { path, query, open } of streams) {
    app.get(path, (context) => {
      const lines = open(operations, readQuery(`GET ${path}`, query, new URL(context.req.url)))
      return context.body(lines, 200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
    })
  }
  app.notFound((context) =>
    context.json(
      { error: problem('ROUTE_UNKNOWN', `${context.req.method} ${context.req.path}: no such request`) },
      404,
    ),
  )
  app.onError((error, context) => {
    if (error instanceof TenbinError) return context.json(errorBody(error), httpStatus[error.code] ?? 500)
    log.error(
      { request: `${context.req.method} ${context.req.path}`, stack: error.stack },
      'a bug in the daemon',
    )
    const message = 'a bug in the daemon: its log has the particulars'
    return context.json({ error: { code: 'BUG', message, remedy: 'report it with those lines' } }, 500)
  })
  return app
}

function readQuery<Query extends z.ZodObject>(op: string, query: Query, url: URL): z.output<Query> {
  const names = [...url.searchParams.keys()]
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw invalid(op, `${twice} is given twice`)
  const read = query.safeParse(Object.fromEntries(url.searchParams))
  if (read.success) return read.data
  throw invalid(op, read.error.issues.map((issue) => [...issue.path, issue.message].join(': ')).join('; '))
}

const invalid = (op: string, what: string): TenbinError =>
  new TenbinError('REQUEST_INVALID', op, { detail: what })

function errorBody(error: TenbinError): ApiError {
  const { code, message, remedy } = error
  const problems = problemsOf(error)
  if (problems.length === 1 && problems[0]!.file === undefined) return { error: { code, message, remedy } }
  return { error: { code, message: `${error.op}: ${errorCatalogue[code].meaning}`, remedy, problems } }
}
