// The process that looks at servers, as main has it: found by its socket or started (supervised-process.ts), told what to
// look at. A main that stops in order ends it, because nobody would act on what it sees.

import { dirname, join } from 'node:path'
import { CheckerClient, stopChecker } from '../health/checker-client.ts'
import { checkerCommand } from '../health/checker-command.ts'
import type { Alive, Change, Detail, Order, State } from '../health/protocol.ts'
import type { ProcessEnd } from './deaths.ts'
import { SupervisedProcess } from './supervised-process.ts'

/** CheckerEvents: what it tells. */
export interface CheckerEvents {
  readonly onStates: (states: readonly State[]) => void
  readonly onChanges: (changes: readonly Change[]) => void
  readonly onAlive: (alive: Alive) => void
  readonly onPresent: (pid: number) => void
  /** It is not there, or no longer; it is being started. */
  readonly onAbsent: (why: string) => void
  /** onEnded: one ended by itself, or hung and was ended. */
  readonly onEnded: (end: ProcessEnd) => void
}

/** Checker: what looks at servers. Disposed, it goes on without us. */
export interface Checker extends Disposable {
  /** order: all that is to be looked at from now on; nothing: it is not needed, and ends. */
  order(orders: readonly Order[]): void
  /** details: of checks, by their keys; of those only that it knows, if it is there. */
  details(keys: readonly string[]): Promise<readonly Detail[]>
  /** end: nobody wants to know any more: whoever looks ends, also one that an earlier daemon has left. */
  end(): void
}

export type OpenChecker = (events: CheckerEvents) => Checker

/** CheckerPaths: of an instance. */
export interface CheckerPaths {
  readonly name: string
  readonly checkerSocket: string
  readonly checks: string
}

/** openChecker: nothing is started before something is to be looked at. */
export const openChecker =
  (paths: CheckerPaths): OpenChecker =>
  (events) =>
    new SupervisedChecker(paths, events)

class SupervisedChecker implements Checker {
  readonly #paths: CheckerPaths
  readonly #events: CheckerEvents
  readonly #process: SupervisedProcess
  #client: CheckerClient | undefined

  constructor(paths: CheckerPaths, events: CheckerEvents) {
    const { name, checkerSocket, checks } = paths
    this.#paths = paths
    this.#events = events
    this.#process = new SupervisedProcess({
      command: checkerCommand(checkerSocket, checks, name),
      socket: checkerSocket,
      log: join(dirname(checks), 'checker.log'),
      onEnded: events.onEnded,
    })
  }

  order(orders: readonly Order[]): void {
    if (orders.length === 0) {
      this.end()
      return
    }
    this.#client ??= new CheckerClient({
      ...this.#events,
      socket: this.#paths.checkerSocket,
      onPresent: (pid) => {
        this.#process.reached(pid)
        this.#events.onPresent(pid)
      },
      onAbsent: (why, isSilent) => {
        this.#process.missed(why, isSilent)
        this.#events.onAbsent(why)
      },
    })
    this.#client.order(orders)
  }

  details(keys: readonly string[]): Promise<readonly Detail[]> {
    return this.#client?.details(keys) ?? Promise.resolve([])
  }

  end(): void {
    if (this.#client) this.#client.stop()
    else stopChecker(this.#paths.checkerSocket)
    this.#client = undefined
    this.#process.end()
  }

  [Symbol.dispose](): void {
    this.#process[Symbol.dispose]()
    this.#client?.[Symbol.dispose]()
    this.#client = undefined
  }
}
