// Main's end of the talk with the checker (line-client.ts): says each time what is to be looked at. Left out: starting the
// process.

import { LineClient, tellOnce } from './line-client.ts'
import {
  type Alive,
  type Change,
  type Detail,
  type Order,
  type State,
  type ToChecker,
  type ToMain,
  toMainSchema,
  type WithoutVersion,
} from './protocol.ts'

/**
 * CheckerClientOptions: `onAbsent` comes after every attempt that failed, and when a connection is lost; `isSilent`: it is
 * there, and says nothing.
 */
export interface CheckerClientOptions {
  readonly socket: string
  readonly onStates: (states: readonly State[]) => void
  readonly onChanges: (changes: readonly Change[]) => void
  readonly onAlive: (alive: Alive) => void
  readonly onPresent: (pid: number) => void
  readonly onAbsent: (why: string, isSilent: boolean) => void
}

const STOP: WithoutVersion<ToChecker> = { stop: true }

export class CheckerClient implements Disposable {
  readonly #options: CheckerClientOptions
  readonly #client: LineClient<ToMain, WithoutVersion<ToChecker>>
  #orders: readonly Order[] | undefined
  #asking: ((details: readonly Detail[]) => void)[] = []

  constructor(options: CheckerClientOptions) {
    this.#options = options
    this.#client = new LineClient({
      ...{ socket: options.socket, schema: toMainSchema },
      onConnected: () => {
        if (this.#orders) this.order(this.#orders)
      },
      onMessage: (message) => this.#take(message),
      onLost: (why, how) => {
        this.#answer([])
        options.onAbsent(why, how === 'silent')
      },
    })
  }

  /** order says what is to be looked at from now on. */
  order(orders: readonly Order[]): void {
    this.#orders = orders
    this.#client.say({ orders: [...orders] })
  }

  /** details: of these checks, with their histories; none where the checker is not there. */
  details(keys: readonly string[]): Promise<readonly Detail[]> {
    if (!this.#client.isConnected) return Promise.resolve([])
    return new Promise((resolve) => {
      this.#asking.push(resolve)
      this.#client.say({ ask: [...keys] })
    })
  }

  /** stop ends the checker, and the talk with it. */
  stop(): void {
    this.#answer([])
    if (!this.#client.finish(STOP)) stopChecker(this.#options.socket)
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]()
    this.#answer([])
  }

  #take(message: ToMain): void {
    const { onStates, onChanges, onAlive, onPresent } = this.#options
    if ('hello' in message) onPresent(message.hello.pid)
    else if ('states' in message) onStates(message.states)
    else if ('changes' in message) onChanges(message.changes)
    else if ('alive' in message) onAlive(message.alive)
    else this.#asking.shift()?.(message.details)
  }

  #answer(details: readonly Detail[]): void {
    for (const resolve of this.#asking.splice(0)) resolve(details)
  }
}

/** stopChecker: who listens there, if anybody does, is wanted no more; for a main that has not talked with it. */
export function stopChecker(path: string): void {
  void tellOnce(path, toMainSchema, { message: STOP })
}
