// Metrics over HTTP: GET /metrics, read-only, for whoever reaches the address that the file names. Its idea: nobody who may
// connect can hold the daemon up: connections, headers and times are bounded, and all who ask within a moment get the same
// text. An address that cannot be had is a problem that is told and tried again, and stops nothing else.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type Endpoint, formatEndpoint, formatIp } from '../base/addresses.ts'
import type { Problem } from './api-schema.ts'
import { contentTypes, type Format } from './open-metrics.ts'
import { problem } from './problem.ts'

/** MetricsServerOptions: `render` makes the text of a format; `onBug` is told what it threw. */
export interface MetricsServerOptions {
  readonly render: (format: Format) => Promise<string>
  readonly onBug: (error: unknown) => void
}

const LIMITS = {
  connections: 16,
  headerBytes: 4096,
  headersMs: 3_000,
  idleMs: 10_000,
  answerMs: 30_000,
} as const
/** Who asks again within this time gets the same. */
const FRESH_MS = 500
/** AGAIN_MS: how soon an address that could not be had is tried again. */
export const AGAIN_MS = 2_000

export class MetricsServer implements Disposable {
  readonly #options: MetricsServerOptions
  readonly #rendered = new Map<Format, { readonly at: number; readonly text: Promise<string> }>()
  #wanted: Endpoint | undefined
  #server: Server | undefined
  #again: NodeJS.Timeout | undefined
  #why: string | undefined

  constructor(options: MetricsServerOptions) {
    this.#options = options
  }

  /** listen: where from now on; undefined: nowhere. What is so already is left alone. */
  listen(at: Endpoint | undefined): void {
    const isSame = at && this.#wanted && formatEndpoint(at) === formatEndpoint(this.#wanted)
    if (isSame || (!at && !this.#wanted)) return
    this.#wanted = at
    this.#close()
    this.#open()
  }

  /** problems: why nobody can ask. */
  problems(): readonly Problem[] {
    if (!this.#wanted || this.#why === undefined) return []
    const where = formatEndpoint(this.#wanted)
    return [problem('METRICS_UNHEARD', `metrics cannot be read at ${where}: ${this.#why}`)]
  }

  [Symbol.dispose](): void {
    this.#wanted = undefined
    this.#close()
  }

  #open(): void {
    const at = this.#wanted
    if (!at) return
    const server = createServer(
      {
        maxHeaderSize: LIMITS.headerBytes,
        headersTimeout: LIMITS.headersMs,
        requestTimeout: LIMITS.headersMs,
        keepAliveTimeout: LIMITS.headersMs,
        connectionsCheckingInterval: 1_000,
      },
      (request, response) => void this.#answer(request, response),
    )
    server.maxConnections = LIMITS.connections
    // Of many that come at once all the answers would wait in memory.
    server.maxRequestsPerSocket = 1
    server.timeout = LIMITS.idleMs
    server.once('listening', () => {
      this.#why = undefined
    })
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#server !== server) return
      this.#why = words[error.code ?? ''] ?? error.message
      this.#server = undefined
      this.#again = setTimeout(() => this.#open(), AGAIN_MS)
    })
    this.#server = server
    server.listen({ host: formatIp(at.address), port: at.port, backlog: LIMITS.connections, exclusive: true })
  }

  #close(): void {
    clearTimeout(this.#again)
    this.#why = undefined
    const server = this.#server
    this.#server = undefined
    server?.close()
    server?.closeAllConnections()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A reader that takes its answer byte by byte is not waited for.
    const limit = setTimeout(() => response.destroy(), LIMITS.answerMs)
    response.once('close', () => clearTimeout(limit))
    const { method, headers, url = '' } = request
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD')
      refuse(response, 405, 'metrics are read by GET')
    } else if (url.split('?')[0] !== '/metrics') refuse(response, 404, 'metrics are at /metrics')
    else {
      const format = formatFor(headers.accept)
      try {
        const body = Buffer.from(await this.#text(format))
        response.writeHead(200, { 'content-type': contentTypes[format], 'content-length': body.length })
        response.end(method === 'HEAD' ? undefined : body)
      } catch (error) {
        this.#options.onBug(error)
        refuse(response, 500, 'a bug in the daemon: its log has the particulars')
      }
    }
  }

  #text(format: Format): Promise<string> {
    const now = performance.now()
    const before = this.#rendered.get(format)
    if (before && now - before.at < FRESH_MS) return before.text
    const text = this.#options.render(format)
    this.#rendered.set(format, { at: now, text })
    return text
  }
}

/** formatFor an Accept header: OpenMetrics, unless only the older format is named. */
export const formatFor = (accept = ''): Format =>
  accept.includes('text/plain') && !accept.includes('application/openmetrics-text') ? 'text' : 'openmetrics'

/** refuse: the connection ends with it, so that a body is not read. */
function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' })
  response.end(`${text}\n`)
}

const words: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process has it',
  EADDRNOTAVAIL: 'the address is not on this machine',
  EACCES: 'this process may not have that port',
}
