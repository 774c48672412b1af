// Main's end of the talk with vrrp (health/line-client.ts).

import { LineClient, type Lost, tellOnce } from '../health/line-client.ts'
import type { WithoutVersion } from '../health/protocol.ts'
import { type ToVrrp, VRRP_PROTOCOL, type VrrpToMain, vrrpToMainSchema } from './protocol.ts'

/** SaidToVrrp: a message, whose version the client adds. */
export type SaidToVrrp = WithoutVersion<ToVrrp>

/** VrrpClientOptions: `onAbsent` comes after every attempt that failed, and when a connection is lost. */
export interface VrrpClientOptions {
  readonly socket: string
  readonly onPresent: (pid: number) => void
  readonly onMessage: (message: Exclude<VrrpToMain, { kind: 'hello' }>) => void
  readonly onAbsent: (why: string, how: Lost) => void
}

const STOP: SaidToVrrp = { kind: 'stop' }

export class VrrpClient implements Disposable {
  readonly #socket: string
  readonly #client: LineClient<VrrpToMain, SaidToVrrp>

  constructor({ socket, onPresent, onMessage, onAbsent }: VrrpClientOptions) {
    this.#socket = socket
    this.#client = new LineClient({
      ...{ socket, schema: vrrpToMainSchema, version: VRRP_PROTOCOL, onLost: onAbsent },
      onMessage: (message) => {
        if (message.kind === 'hello') onPresent(message.pid)
        else onMessage(message)
      },
    })
  }

  /** say: lost, if it is not there. */
  say(message: SaidToVrrp): void {
    this.#client.say(message)
  }

  /** stop ends vrrp, which gives all roles up, and the talk with it. */
  stop(): void {
    if (!this.#client.finish(STOP)) void stopVrrp(this.#socket)
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]()
  }
}

/** stopVrrp: who listens there, if anybody does, is wanted no more. Resolves when it has closed the talk, or was not there. */
export const stopVrrp = (path: string): Promise<void> =>
  tellOnce(path, vrrpToMainSchema, { message: STOP, version: VRRP_PROTOCOL })
