// The API as an application: a request in, an answer out, no socket. Requests are read by the routes' schemas;
// everything that goes wrong is answered as {error: {code, message, remedy}}. An answer that does not fit its own
// schema is a bug and is answered as one.

import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { z } from 'zod'
import { type ErrorCode, errorCatalogue } from '../base/error-catalogue.ts'
import { TenbinError } from '../base/errors.ts'
import { answerSteps, bodyOf } from './answer-json.ts'
import type { Route } from './api-route.ts'
import { type Operations, routes, streams } from './api-routes.ts'
import type { ApiError } from './api-schema.ts'
import { askerOf } from './asker.ts'
import { inTurns } from './in-turns.ts'
import type { Log } from './log.ts'
import { problem, problemsOf } from './problem.ts'
import { SharedAnswer } from './shared-answer.ts'

/** Asks: what a route's handler is given of a request. */
type Asks = Parameters<Route['handle']> extends [unknown, ...infer Rest] ? Rest : never

/** BODY_MAX: bytes of a request's body. */
const BODY_MAX = 64 * 1024

const httpStatus: Partial<Record<ErrorCode, ContentfulStatusCode>> = {
  REQUEST_INVALID: 400,
  FILTER_INVALID: 400,
  RECORDER_OFF: 409,
  ROUTE_UNKNOWN: 404,
  SERVER_UNKNOWN: 404,
  SERVICE_UNKNOWN: 404,
  SET_UNKNOWN: 404,
  PEER_UNKNOWN: 404,
  NOTIFY_NOBODY: 404,
  TARGET_UNKNOWN: 404,
  FLOOD_ORDER_INVALID: 400,
  FLOOD_ORDER_REFUSED: 409,
  DEFENCE_OFF: 409,
  NOT_APPLIED: 409,
  CLUSTER_ROTATION_REFUSED: 409,
  ORDER_REFUSED: 409,
  ROLE_REFUSED: 409,
  REQUEST_TOO_LARGE: 413,
  APPLY_BUSY: 409,
  CONFIRM_NOTHING: 409,
  NODES_MISSING: 409,
  REVISION_DIFFERS: 409,
  REVISION_UNKNOWN: 404,
  CONFIG_INVALID: 422,
  CONFIG_UNREADABLE: 422,
  FOLLOWERS_LIMIT: 503,
}

/** apiApp answers requests by `operations`; what is a bug is logged with its stack. */
export function apiApp(operations: Operations, log: Log): Hono {
  const app = new Hono()
  for (const route of routes) {
    const op = `${route.method} ${route.path}`
    const answer = async (...asked: Asks) => {
      const reply = await route.handle(operations, ...asked)
      return inTurns(answerSteps(route.reply, reply))
    }
    const shared = route.isShared && new SharedAnswer(() => answer({}, { body: undefined, who: 'several' }))
    app.on(route.method, route.path, limited(route.body?.maxBytes ?? BODY_MAX), async (context) => {
      const query = readQuery(op, route.query, new URL(context.req.url))
      const body = route.body && readBody(op, route.body.schema, await context.req.text())
      const asked = {
        body,
        who: askerOf((context.env as Partial<HttpBindings> | undefined)?.incoming?.socket),
      }
      const bytes = await (shared ? shared.ask() : answer(query, asked))
      return context.body(bodyOf(bytes), 200, { 'content-type': 'application/json' })
    })
  }
  app.use(limited(BODY_MAX))
  for (const { path, query, open } of streams) {
    app.get(path, (context) => {
      const asked = readQuery(`GET ${path}`, query, new URL(context.req.url))
      const headers = { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' }
      // of a HEAD request nobody would read the lines, nor end them
      if (context.req.method === 'HEAD') return context.body(null, 200, headers)
      return context.body(open(operations, asked), 200, headers)
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

const limited = (maxSize: number) =>
  bodyLimit({
    maxSize,
    onError: () => {
      throw new TenbinError('REQUEST_TOO_LARGE', 'request', { detail: `a body above ${maxSize} bytes` })
    },
  })

function readBody(op: string, schema: z.ZodType, text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw invalid(op, `its body is no JSON: ${(error as Error).message}`)
  }
  const read = schema.safeParse(value)
  if (read.success) return read.data
  throw invalid(op, `its body: ${issuesText(read.error)}`)
}

function readQuery<Query extends z.ZodObject>(op: string, query: Query, url: URL): z.output<Query> {
  const names = [...url.searchParams.keys()]
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw invalid(op, `${twice} is given twice`)
  const read = query.safeParse(Object.fromEntries(url.searchParams))
  if (read.success) return read.data
  throw invalid(op, issuesText(read.error))
}

const issuesText = ({ issues }: z.ZodError): string =>
  issues.map((issue) => [...issue.path, issue.message].join(': ')).join('; ')

const invalid = (op: string, what: string): TenbinError =>
  new TenbinError('REQUEST_INVALID', op, { detail: what })

function errorBody(error: TenbinError): ApiError {
  const { code, message, remedy } = error
  const problems = problemsOf(error)
  if (problems.length === 1 && problems[0]!.file === undefined) return { error: { code, message, remedy } }
  return { error: { code, message: `${error.op}: ${errorCatalogue[code].meaning}`, remedy, problems } }
}
