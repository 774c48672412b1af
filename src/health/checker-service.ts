// The checker as a service: listens for main on a Unix socket, looks at what main orders, tells what changes, keeps what
// it knows. Its idea: orders are all there is, each time; what is in them and was not is begun, what is no longer in them
// is ended. It needs no main to go on; the latest main that connected is the one that is told.

import { createServer, type Server } from 'node:net'
import { parseIp } from '../base/addresses.ts'
import type { Reactor } from '../sys/reactor.ts'
import type { Checker } from './checker.ts'
import { unclaimed } from './claims.ts'
import { compileCheck } from './compile.ts'
import { Line } from './line.ts'
import { listenAt } from './listen-at.ts'
import {
  type Change,
  type Detail,
  type Order,
  type State,
  type ToChecker,
  type ToMain,
  toCheckerSchema,
  type WithoutVersion,
} from './protocol.ts'
import { type Known, Runner, type Watched } from './runner.ts'
import { keep, readKept } from './state-file.ts'
import type { Turns } from './turns.ts'

/** CheckerServiceOptions: `socket` and `kept` are paths. */
export interface CheckerServiceOptions {
  readonly reactor: Reactor
  /** For checks that go through service addresses. */
  readonly turns?: Turns
  readonly socket: string
  readonly kept: string
  readonly log: (text: string) => void
  /** onStop: main wants no more of it. */
  readonly onStop: () => void
}

const ALIVE_MS = 1000
/** Changes wait so long for others, to be told and kept together. */
const GATHER_MS = 5
const KEEP_MS = 200
const OVERDUE_NAMED = 20

export class CheckerService implements Disposable {
  readonly #options: CheckerServiceOptions
  readonly #runner: Runner
  readonly #server: Server
  readonly #startedAt = Date.now()
  readonly #alive: NodeJS.Timeout
  #orders: readonly Order[] = []
  /** By key: one that goes on keeps its checker, which was compiled once. */
  #watched: ReadonlyMap<string, Watched> = new Map()
  #main: Line<ToChecker, WithoutVersion<ToMain>> | undefined
  #changes: Change[] = []
  #gathering: NodeJS.Timeout | undefined
  #keeping: NodeJS.Timeout | undefined
  #unkept: string | undefined

  constructor(options: CheckerServiceOptions) {
    this.#options = options
    this.#runner = new Runner({
      reactor: options.reactor,
      ...(options.turns && { turns: options.turns }),
      clock: () => Date.now(),
      onChange: (key, known, transition) => {
        this.#changes.push({ ...stateOf(key, known), ...(transition && { transition }) })
        this.#gathering ??= setTimeout(() => this.#tell(), GATHER_MS)
        this.#keepSoon()
      },
      onFault: (key, error) =>
        options.log(`check ${key} itself failed: ${error instanceof Error ? error.stack : String(error)}`),
    })
    const { orders, states } = readKept(options.kept)
    const before = new Map(states.map((state) => [state.key, state]))
    this.#order(
      orders,
      (key) => before.get(key)?.standing,
      (key) => before.get(key)?.why,
    )
    this.#server = createServer((socket) =>
      this.#meet(
        new Line(
          socket,
          this.#lineOptions(() => socket.destroy()),
        ),
      ),
    )
    this.#alive = setInterval(() => this.#tellAlive(), ALIVE_MS)
  }

  /** listen resolves when main can connect. A socket that nobody listens on any more is replaced. */
  listen(): Promise<void> {
    return listenAt(this.#server, this.#options.socket)
  }

  [Symbol.dispose](): void {
    for (const timer of [this.#gathering, this.#keeping, this.#alive]) clearTimeout(timer)
    this.#server.close()
    this.#main?.[Symbol.dispose]()
    this.#runner[Symbol.dispose]()
    this.#keep()
    clearTimeout(this.#keeping)
  }

  #lineOptions(drop: () => void) {
    return {
      schema: toCheckerSchema,
      onMessage: (message: ToChecker) => {
        if ('orders' in message) {
          const seeds = new Map(message.orders.map(({ key, seed }) => [key, seed]))
          this.#order(message.orders, (key) => seeds.get(key))
          this.#main?.send({ states: [...this.#runner.all()].map(([key, known]) => stateOf(key, known)) })
          this.#keepSoon()
        } else if ('stop' in message) this.#options.onStop()
        else
          this.#main?.send({
            details: message.ask.flatMap((key) => {
              const known = this.#runner.known(key)
              return known ? [detailOf(key, known)] : []
            }),
          })
      },
      onEnd: (why: string | undefined) => {
        drop()
        this.#options.log(`main is gone${why === undefined ? '' : `: ${why}`}; looking goes on`)
      },
    }
  }

  #meet(main: Line<ToChecker, WithoutVersion<ToMain>>): void {
    this.#main?.[Symbol.dispose]()
    this.#main = main
    main.send({ hello: { pid: process.pid, startedAt: this.#startedAt } })
  }

  #order(
    orders: readonly Order[],
    seedOf: (key: string) => State['standing'] | undefined,
    whyOf?: (key: string) => string | undefined,
  ): void {
    this.#orders = orders
    const before = this.#watched
    this.#watched = new Map(
      orders.map((order) => [order.key, before.get(order.key) ?? watchedOf(order)] as const),
    )
    this.#runner.watch([...this.#watched.values()], seedOf, whyOf)
  }

  #tell(): void {
    this.#gathering = undefined
    const changes = this.#changes
    this.#changes = []
    this.#main?.send({ changes })
  }

  #tellAlive(): void {
    const overdue = this.#runner.overdue()
    const { looks, lateP99Ms, latestMs } = this.#runner.pace()
    this.#main?.send({
      alive: {
        at: Date.now(),
        watched: this.#runner.size,
        looks,
        lateP99Ms,
        latestMs,
        ...this.#runner.totals.told,
        overdue: { count: overdue.length, keys: overdue.slice(0, OVERDUE_NAMED).map(({ key }) => key) },
        ...(this.#unkept !== undefined && { unkept: this.#unkept }),
      },
    })
  }

  #keepSoon(): void {
    this.#keeping ??= setTimeout(() => this.#keep(), KEEP_MS)
  }

  #keep(): void {
    this.#keeping = undefined
    try {
      keep(this.#options.kept, {
        orders: [...this.#orders],
        states: [...this.#runner.all()].map(([key, known]) => stateOf(key, known)),
      })
      this.#unkept = undefined
    } catch (error) {
      this.#unkept = (error as NodeJS.ErrnoException).code ?? String(error)
      this.#keeping = setTimeout(() => this.#keep(), 10 * KEEP_MS)
    }
  }
}

const watchedOf = ({ key, check, ...asked }: Order): Watched => ({
  key,
  kind: check.probe.kind,
  checker: checkerOf(check, asked),
  rhythm: check.rhythm,
  isHeavy: isHeavy(check.probe),
})

function checkerOf(
  check: Order['check'],
  { address, port, through }: Pick<Order, 'address' | 'port' | 'through'>,
): Checker {
  const server = parseIp(address)
  if (through === undefined) return compileCheck(check, server, port)
  const service = parseIp(through)
  return unclaimed(compileCheck(check, server, port, service), service, server)
}

const isHeavy = (probe: Order['check']['probe']): boolean =>
  'of' in probe ? probe.of.some((part) => part.probe.kind === 'script') : probe.kind === 'script'

const stateOf = (key: string, { health, history, why, fruitless, report, warning }: Known): State => ({
  key,
  standing: health.standing,
  since: health.since,
  isLooked: history.looks > 0,
  ...(why !== undefined && { why }),
  ...(fruitless && { fruitless: { ...fruitless } }),
  ...(report && { report: { ...report } }),
  ...(warning !== undefined && { warning }),
})

const detailOf = (key: string, known: Known): Detail => ({
  ...stateOf(key, known),
  streak: known.health.streak,
  history: {
    ...known.history,
    latencies: [...known.history.latencies],
    transitions: [...known.history.transitions],
  },
})
