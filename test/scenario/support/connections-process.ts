// A process that holds TCP connections to an HTTP server, busy or idle, and says of each which server it is with and
// what broke it, if anything did. Each asks `GET /` once when it is opened; a server answers with its name. `everyMs`:
// all ask again and again, 0: they are idle until told to `ask`. `report` asks nobody and says how things are, `stop`
// the same and the process ends. Connections take turns in small groups, so that no queue of the kernel overflows.

import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { closed, connected, connecting, endpoint, localPort, poll, received, sent } from './stream-socket.ts'

/**
 * ConnectionsOptions: the argument, in JSON. `address`: several are connected to in turn. `count`: as many as a process may
 * have descriptors. `everyMs`: 0 = idle.
 */
export interface ConnectionsOptions {
  readonly address: string | readonly string[]
  readonly port: number
  readonly count: number
  readonly everyMs: number
}

/** Held: one connection. `server`: who answered first, `broken`: what ended it, or that somebody else answered. */
export interface Held {
  readonly address: string
  readonly localPort: number
  readonly server?: string
  readonly answers: number
  readonly broken?: string
}

const GROUP = 256
const [CONNECT_MS, ANSWER_MS, POLL_MS] = [10_000, 10_000, 20]
const { address, port, count, everyMs } = JSON.parse(process.argv[2]!) as ConnectionsOptions
const endpoints = (typeof address === 'string' ? [address] : address).map((each) => ({
  address: each,
  to: endpoint(each, port),
  request: Buffer.from(`GET / HTTP/1.1\r\nHost: ${each.includes(':') ? `[${each}]` : each}\r\n\r\n`),
}))
const room = Buffer.alloc(4096)

/** One connection, as it goes on. */
class Connection {
  readonly fd: number
  localPort = 0
  server: string | undefined
  answers = 0
  broken: string | undefined
  readonly #endpoint: (typeof endpoints)[number]
  #text = ''

  constructor(to: (typeof endpoints)[number]) {
    this.#endpoint = to
    const fd = connecting(to.to)
    this.fd = typeof fd === 'number' ? fd : -1
    if (typeof fd === 'string') this.broken = `connect: ${fd}`
    else this.localPort = localPort(fd)
  }

  ask(): void {
    this.#text = ''
    const why = sent(this.fd, this.#endpoint.request)
    if (why !== undefined) this.break(`send: ${why}`)
  }

  /** take reads what is there; true: the answer is whole, or there will be none. */
  take(): boolean {
    const length = received(this.fd, room)
    if (length === 'EAGAIN') return false
    if (typeof length === 'string') return this.break(length)
    if (length === 0) return this.break('closed by the server')
    this.#text += room.toString('latin1', 0, length)
    const [head, body] = this.#text.split('\r\n\r\n')
    const bytes = Number(/^content-length: (\d+)/im.exec(head!)?.[1])
    if (body === undefined || body.length < bytes) return false
    if (!head!.startsWith('HTTP/1.1 200 ')) return this.break(head!.split('\r\n')[0]!)
    const server = body.trim()
    this.server ??= server
    this.answers++
    return server === this.server || this.break(`answered by ${server}`)
  }

  break(why: string): true {
    this.broken = why
    closed(this.fd)
    return true
  }

  get held(): Held {
    const { localPort, server, answers, broken } = this
    return {
      address: this.#endpoint.address,
      localPort,
      answers,
      ...(server !== undefined && { server }),
      ...(broken !== undefined && { broken }),
    }
  }
}

const connections: Connection[] = []
const live = (): Connection[] => connections.filter(({ broken }) => broken === undefined)

/** until: waits for all of a group, at most `ms`; those that are not done by then break. */
function until(
  group: readonly Connection[],
  ms: number,
  write: boolean,
  step: (one: Connection) => boolean,
): void {
  let waiting = group.filter(({ broken }) => broken === undefined)
  for (const end = performance.now() + ms; waiting.length > 0; ) {
    const ready = new Set(
      poll(
        waiting.map(({ fd }) => fd),
        POLL_MS,
        write,
      ),
    )
    waiting = waiting.filter((one) => !(ready.has(one.fd) && step(one)))
    if (performance.now() < end) continue
    for (const one of waiting) one.break(write ? 'connect: no answer' : 'no answer')
    return
  }
}

function ask(all: readonly Connection[]): void {
  for (let at = 0; at < all.length; at += GROUP) {
    const group = all.slice(at, at + GROUP)
    for (const one of group) one.ask()
    until(group, ANSWER_MS, false, (one) => one.take())
  }
}

function open(): void {
  while (connections.length < count) {
    const group = Array.from(
      { length: Math.min(GROUP, count - connections.length) },
      (_, at) => new Connection(endpoints[(connections.length + at) % endpoints.length]!),
    )
    until(group, CONNECT_MS, true, (one) => {
      const why = connected(one.fd)
      return why === undefined || one.break(`connect: ${why}`)
    })
    connections.push(...group)
    ask(group.filter(({ broken }) => broken === undefined))
  }
}

/** report: nobody was asked, so whoever has something to read has come to its end. */
function report(): readonly Held[] {
  const ended = new Set(
    poll(
      live().map(({ fd }) => fd),
      0,
    ),
  )
  for (const one of live()) if (ended.has(one.fd) && !one.take()) one.break('an answer to no question')
  return connections.map(({ held }) => held)
}

open()
const words: string[] = []
createInterface({ input: process.stdin })
  .on('line', (word) => words.push(word))
  .on('close', () => process.exit(1))
process.stdout.write('open\n')
for (let next = performance.now() + everyMs; ; await delay(5)) {
  const word = words.shift()
  if (word === 'ask' || (everyMs > 0 && performance.now() >= next)) {
    ask(live())
    next = performance.now() + everyMs
  }
  if (word === undefined) continue
  await new Promise<void>((resolve) => process.stdout.write(`${JSON.stringify(report())}\n`, () => resolve()))
  if (word === 'stop') process.exit(0)
}
