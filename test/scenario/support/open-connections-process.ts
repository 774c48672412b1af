// A process that holds TCP connections to an HTTP server open until it is told to stop on stdin, and then says of each
// what became of it. Three kinds: an exchange asks again and again on its one connection; a slow request sends a header
// line now and then and ends its request only at the end; a download reads slowly and takes the rest at the end.
// Whatever ends one of them before is its `broken`.

import { createHash } from 'node:crypto'
import { Agent, get } from 'node:http'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

/** OpenConnectionsOptions: the argument, in JSON: how many of each kind, a step of each every `everyMs`. */
export interface OpenConnectionsOptions {
  readonly address: string
  readonly port: number
  readonly exchanges: number
  readonly slowRequests: number
  readonly downloads: number
  readonly download: { readonly path: string; readonly bytes: number; readonly sha256: string }
  readonly everyMs: number
}

/** OpenConnection: what became of one. `steps`: exchanges, header lines or reads before the end. */
export interface OpenConnection {
  readonly kind: 'exchange' | 'slow request' | 'download'
  readonly localPort: number
  readonly steps: number
  readonly broken?: string
}

/** OpenConnectionsReport: the last line of stdout; the first is `open`. */
export type OpenConnectionsReport = readonly OpenConnection[]

const END_MS = 20_000
const READ_BYTES = 8 << 10
const options = JSON.parse(process.argv[2]!) as OpenConnectionsOptions
const { address: host, port, everyMs } = options

/** Held: `opened` is when the first byte has come or gone; `end` finishes it and says what became of it. */
interface Held {
  readonly opened: Promise<void>
  end(): Promise<OpenConnection>
}

const within = async (work: Promise<string | undefined>): Promise<string | undefined> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('unfinished'), END_MS)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

const became = (
  kind: OpenConnection['kind'],
  localPort: number,
  steps: number,
  broken: string | undefined,
): OpenConnection => ({ kind, localPort, steps, ...(broken !== undefined && { broken }) })

function exchange(): Held {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const answers = new Set<string>()
  let [localPort, steps, stopped] = [0, 0, false]
  const ask = () =>
    new Promise<void>((resolve, reject) => {
      get({ host, port, agent }, async (response) => {
        const socketPort = response.socket.localPort!
        if (localPort !== 0 && socketPort !== localPort) reject(new Error('the connection was another one'))
        localPort = socketPort
        let body = ''
        for await (const part of response.setEncoding('utf8')) body += part
        answers.add(`${response.statusCode} ${body.trim()}`)
        steps++
        resolve()
      }).on('error', reject)
    })
  const opened = ask()
  const done = (async () => {
    await opened
    while (!stopped) {
      await new Promise((resolve) => setTimeout(resolve, everyMs))
      await ask()
    }
    const [only] = answers
    return answers.size === 1 && only!.startsWith('200 ') ? undefined : [...answers].join(', ')
  })().catch((error: Error) => error.message)
  return {
    opened,
    end: async () => {
      stopped = true
      const broken = await within(done)
      agent.destroy()
      return became('exchange', localPort, steps, broken)
    },
  }
}

function slowRequest(): Held {
  let [localPort, steps, answer] = [0, 0, '']
  const socket: Socket = connect({ host, port }).setEncoding('utf8').setNoDelay()
  const opened = new Promise<void>((resolve, reject) => {
    socket.once('error', reject).once('connect', () => {
      localPort = socket.localPort!
      socket.write('GET / HTTP/1.1\r\nHost: slow\r\nConnection: close\r\n', () => resolve())
    })
  })
  const timer = setInterval(() => {
    if (localPort !== 0 && socket.writable) socket.write(`X-${++steps}: x\r\n`)
  }, everyMs)
  socket.on('data', (part: string) => {
    answer += part
  })
  const done = new Promise<string | undefined>((resolve) => {
    socket
      .on('error', (error) => resolve(error.message))
      .on('close', () => {
        resolve(answer.startsWith('HTTP/1.1 200 OK') ? undefined : `answered: ${answer.split('\r\n')[0]}`)
      })
  })
  return {
    opened,
    end: async () => {
      clearInterval(timer)
      if (socket.writable) socket.write('\r\n')
      return became('slow request', localPort, steps, await within(done))
    },
  }
}

function download(): Held {
  const { path, bytes, sha256 } = options.download
  const hash = createHash('sha256')
  let [localPort, steps, length, stopped] = [0, 0, 0, false]
  let start: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    start = resolve
  })
  const done = new Promise<string | undefined>((resolve) => {
    get({ host, port, path, agent: false }, (response) => {
      localPort = response.socket.localPort!
      start()
      const take = (part: Buffer) => {
        hash.update(part)
        length += part.length
      }
      const timer = setInterval(() => {
        if (stopped) {
          clearInterval(timer)
          response.on('data', take)
          return
        }
        const part = response.read(READ_BYTES) as Buffer | null
        if (!part) return
        steps++
        take(part)
      }, everyMs)
      response
        .on('error', (error) => resolve(error.message))
        .on('end', () => {
          const isWhole = stopped && length === bytes && hash.digest('hex') === sha256
          resolve(isWhole ? undefined : `${length} of ${bytes} bytes${stopped ? '' : ', too early'}`)
        })
    }).on('error', (error) => resolve(error.message))
  })
  return {
    opened,
    end: async () => {
      stopped = true
      return became('download', localPort, steps, await within(done))
    },
  }
}

const several = (count: number, make: () => Held): Held[] => Array.from({ length: count }, make)
const held = [
  ...several(options.exchanges, exchange),
  ...several(options.slowRequests, slowRequest),
  ...several(options.downloads, download),
]
createInterface({ input: process.stdin })
  .on('line', async () => {
    const report: OpenConnectionsReport = await Promise.all(held.map((one) => one.end()))
    process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0))
  })
  .on('close', () => process.exit(1))
await Promise.all(held.map(({ opened }) => opened))
process.stdout.write('open\n')
