// What http and https ask, resolved: a request that can be written as it is, and an answer that can be right.

import { describe } from './check-shape.ts'
import type { SingleProbe } from './check-spec.ts'
import { checkHost, patternOf, type Say } from './probe-words.ts'
import type { KindShapes } from './schema-check.ts'

type HttpShape = Exclude<KindShapes['http'], string>
type HttpProbe = Extract<SingleProbe, { readonly kind: 'http' }>
type Ranges = HttpProbe['status']

/** Headers that are ours to write, and what to write instead. */
const OURS: Readonly<Record<string, string>> = {
  host: 'write host: instead',
  ...Object.fromEntries(
    ['connection', 'keep-alive', 'proxy-connection', 'upgrade', 'te', 'http2-settings'].map((name) => [
      name,
      'remove it: a check has a connection of its own',
    ]),
  ),
  'content-length': 'remove it: a check sends no body',
  'transfer-encoding': 'remove it: a check sends no body',
}

/** Statuses whose answers have no body (RFC 9110 15.3.5, 15.4.5). */
const BODILESS = new Set([204, 304])

/** httpProbe: what is wrong is said; the result is of no use then. */
export function httpProbe(value: HttpShape, say: Say): HttpProbe {
  const { path = '/', method = 'GET', host, headers = {}, body, digest, http2 = false } = value
  // A short form is the path alone.
  const at = Object.keys(value).length === 1 && 'path' in value ? [] : ['path']
  if (!/^\/[\x21-\x7e]*$/.test(path)) {
    const why = path.startsWith('/')
      ? 'has characters that a path cannot have: write them as %20'
      : 'does not begin with /'
    say(`${describe(path)} ${why}`, ...at)
  }
  if (!/^[A-Z]{1,16}$/.test(method) || method === 'CONNECT')
    say(`${describe(method)} is not a method such as GET`, 'method')
  checkHost(host, say)
  checkHeaders(headers, say)
  if (method === 'HEAD' && (body !== undefined || digest !== undefined))
    say('HEAD is answered without a body: write method: GET, or expect none', 'method')
  const ranges = rangesOf(value.status ?? 200, say)
  const isBodiless = ranges.length > 0 && ranges.every(({ from, to }) => from === to && BODILESS.has(from))
  if (isBodiless && (body !== undefined || digest !== undefined))
    say(
      `${ranges.map(({ from }) => from).join(' and ')} ${ranges.length > 1 ? 'come' : 'comes'} without a body: write another status, or expect none`,
      'status',
    )
  if (digest !== undefined && !/^[0-9a-f]{64}$/i.test(digest))
    say(`${describe(digest)} is not a SHA-256 in hexadecimal, 64 digits`, 'digest')
  return {
    kind: 'http',
    version: http2 ? '2' : '1.1',
    method,
    path,
    headers: { ...headers },
    status: ranges,
    ...(host !== undefined && { host }),
    ...(body !== undefined && { body: patternOf(body, 'body', say) }),
    ...(digest !== undefined && { digest: digest.toLowerCase() }),
  }
}

function checkHeaders(headers: Readonly<Record<string, string>>, say: Say): void {
  for (const [name, value] of Object.entries(headers)) {
    const instead = OURS[name.toLowerCase()]
    if (instead !== undefined) say(`${name} is not yours to set: ${instead}`, 'headers', name)
    else if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/.test(name))
      say(`${describe(name)} is not a name of a header`, 'headers', name)
    else if (!/^[\x20-\x7e]{0,1000}$/.test(value))
      say(`${name} has a value that a header cannot have`, 'headers', name)
  }
}

function rangesOf(status: NonNullable<HttpShape['status']>, say: Say): Ranges {
  const items = Array.isArray(status) ? status : [status]
  if (items.length === 0) say('at least one status is good: write [200]', 'status')
  return items.flatMap((item) => {
    if (typeof item === 'number') return { from: item, to: item }
    const [from = 0, to = 0] = (/^(\d{3})\.\.(\d{3})$/.exec(item)?.slice(1) ?? []).map(Number)
    if (from >= 100 && to <= 599 && from <= to) return { from, to }
    const why =
      from > to && to > 0
        ? `runs backwards: write ${to}..${from}`
        : 'is not a range of statuses such as 200..299'
    say(`${describe(item)} ${why}`, 'status')
    return []
  })
}
