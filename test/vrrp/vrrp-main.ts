// Main's end of the talk with a vrrp process, as a test has it: what it is told last, and what it says.

import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { Line } from '../../src/health/line.ts'
import type { WithoutVersion } from '../../src/health/protocol.ts'
import {
  type SetStatus,
  type ToVrrp,
  VRRP_PROTOCOL,
  type VrrpToMain,
  vrrpToMainSchema,
} from '../../src/vrrp/protocol.ts'

const DEADLINE_MS = 20_000

export class VrrpMain implements Disposable {
  readonly #line: Line<VrrpToMain, WithoutVersion<ToVrrp>>
  readonly told: VrrpToMain[]

  private constructor(line: Line<VrrpToMain, WithoutVersion<ToVrrp>>, told: VrrpToMain[]) {
    this.#line = line
    this.told = told
  }

  /** reach the process that listens there. */
  static async reach(path: string): Promise<VrrpMain> {
    const socket = connect(path)
    await once(socket, 'connect')
    const told: VrrpToMain[] = []
    const line = new Line<VrrpToMain, WithoutVersion<ToVrrp>>(socket, {
      schema: vrrpToMainSchema,
      version: VRRP_PROTOCOL,
      onMessage: (message) => told.push(message),
      onEnd: () => {},
    })
    return new VrrpMain(line, told)
  }

  say(message: WithoutVersion<ToVrrp>): void {
    this.#line.send(message)
  }

  /** set: its first set's status, as told last. */
  get set(): SetStatus | undefined {
    const last = this.told.findLast((each) => each.kind === 'status')
    return last?.sets[0]
  }

  /** until the first set's status is so; gives it. */
  async until(what: string, isSo: (set: SetStatus) => boolean): Promise<SetStatus> {
    for (const deadline = Date.now() + DEADLINE_MS; ; await delay(5)) {
      const { set } = this
      if (set && isSo(set)) return set
      if (Date.now() > deadline) throw new Error(`no sign of ${what}: ${JSON.stringify(set)}`)
    }
  }

  [Symbol.dispose](): void {
    this.#line[Symbol.dispose]()
  }
}
