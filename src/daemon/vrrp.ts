// The process that holds addresses by roles, as main has it: found by its socket, or started (supervised-process.ts) unless
// somebody else does that, as systemd. Its idea: it goes on without main, whatever ends main; only a file without moving
// sets, and `tenbin down`, end it.

import type { VrrpToMain } from '../vrrp/protocol.ts'
import { type SaidToVrrp, stopVrrp, VrrpClient } from '../vrrp/vrrp-client.ts'
import { vrrpCommand } from '../vrrp/vrrp-command.ts'
import type { ProcessEnd } from './deaths.ts'
import { endVrrp, HUNG_MS } from './end-vrrp.ts'
import { SupervisedProcess } from './supervised-process.ts'

/** FromVrrp: what it tells, when it has said who it is. */
export type FromVrrp = Exclude<VrrpToMain, { kind: 'hello' }>

/** VrrpEvents: what comes of it. */
export interface VrrpEvents {
  /** It can be talked with, and knows nothing of us yet. */
  readonly onPresent: (pid: number) => void
  readonly onMessage: (message: FromVrrp) => void
  readonly onAbsent: (why: string) => void
  /** onEnded: one ended by itself, or hung and was ended. */
  readonly onEnded: (end: ProcessEnd) => void
}

/** Vrrp: disposed, it goes on without us. */
export interface Vrrp extends Disposable {
  /** want: from now on it is to be there. */
  want(): void
  /** say: lost, if it is not there. */
  say(message: SaidToVrrp): void
  /**
   * end: no set moves any more, which it has been told. One that we start ends, also one that an earlier daemon has left; another
   * stays, and is told the same when it is reached.
   */
  end(): void
}

export type OpenVrrp = (events: VrrpEvents) => Vrrp

/** VrrpPaths: of an instance. */
export interface VrrpPaths {
  readonly vrrpSocket: string
  readonly vrrpKept: string
  readonly vrrpCounter: string
  readonly vrrpLog: string
}

/** openVrrp: nothing is started before it is wanted. `isStarted`: by us; otherwise by somebody else. */
export const openVrrp =
  (paths: VrrpPaths, isStarted: boolean): OpenVrrp =>
  (events) =>
    new SupervisedVrrp(paths, isStarted, events)

class SupervisedVrrp implements Vrrp {
  readonly #socket: string
  readonly #events: VrrpEvents
  readonly #process: SupervisedProcess | undefined
  #client: VrrpClient | undefined
  #isReplaced = false

  constructor(
    { vrrpSocket, vrrpKept, vrrpCounter, vrrpLog }: VrrpPaths,
    isStarted: boolean,
    events: VrrpEvents,
  ) {
    this.#socket = vrrpSocket
    this.#events = events
    if (isStarted)
      this.#process = new SupervisedProcess({
        command: vrrpCommand({ socket: vrrpSocket, kept: vrrpKept, counter: vrrpCounter }),
        socket: vrrpSocket,
        log: vrrpLog,
        onEnded: events.onEnded,
      })
  }

  want(): void {
    this.#client ??= new VrrpClient({
      socket: this.#socket,
      onPresent: (pid) => {
        this.#process?.reached(pid)
        this.#events.onPresent(pid)
      },
      onMessage: (message) => this.#events.onMessage(message),
      onAbsent: (why, how) => {
        if (how !== 'gone') this.#replace(why, how === 'strange')
        else if (!this.#isReplaced) this.#process?.missed(why, false)
        this.#events.onAbsent(why)
      },
    })
  }

  say(message: SaidToVrrp): void {
    this.#client?.say(message)
  }

  /** #replace one that hangs, or is of another version: there is one for a socket, and no other begins before its end. */
  #replace(why: string, isStrange: boolean): void {
    if (this.#isReplaced) return
    this.#isReplaced = true
    const how = { signal: 'SIGUSR2', ...(!isStrange && { patienceMs: HUNG_MS }) } as const
    void endVrrp({ vrrpSocket: this.#socket }, how).then((had) => {
      this.#isReplaced = false
      // Of one that was talked with, who started it or missed it tells.
      if (had && isStrange) this.#events.onEnded({ how: `${why}: it was ended` })
    })
  }

  end(): void {
    // Somebody else's is there for the next file as well: it only has nothing to do.
    if (!this.#process) {
      this.want()
      return
    }
    if (this.#client) this.#client.stop()
    else void stopVrrp(this.#socket)
    this.#client = undefined
    this.#process?.end()
  }

  [Symbol.dispose](): void {
    this.#process?.[Symbol.dispose]()
    this.#client?.[Symbol.dispose]()
    this.#client = undefined
  }
}
