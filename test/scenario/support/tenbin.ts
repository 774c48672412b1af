// tenbin on a node of a scenario's lab, run as users run it: `bin/tenbin`, if it is built of the sources as they are,
// else the sources themselves, which start more slowly. Beyond the lab's Balancer: its API, its commands, and a start
// that is meant to fail.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { z } from 'zod'
import type { Protocol } from '../../../src/base/addresses.ts'
import { type Call, callDaemon } from '../../../src/cli/client.ts'
import {
  type ReloadAnswer,
  reloadSchema,
  type Status,
  type TraceAnswer,
  traceSchema,
} from '../../../src/daemon/api-schema.ts'
import { Balancer } from '../../../src/lab/balancer.ts'
import { tenbinCommand } from '../../../src/lab/entry.ts'
import type { Lab } from '../../../src/lab/held-lab.ts'
import { isAlive } from '../../../src/lab/processes.ts'
import type { Command } from '../../../src/lab/run.ts'
import { isStale } from '../../../tools/build.mjs'
import { type Ended, execute } from './execute.ts'

const BIN = fileURLToPath(new URL('../../../bin/tenbin', import.meta.url))
const isBuilt = !isStale()
/** PATIENCE_MS: so long a daemon that lives may answer nothing. */
const [PATIENCE_MS, POLL_MS] = [20_000, 20]

/** tenbin: the command line that runs this tenbin with these arguments. */
export const tenbin = (args: readonly string[]): Command =>
  isBuilt ? [process.execPath, BIN, ...args] : tenbinCommand(args)

export class Tenbin extends Balancer {
  readonly #lab: Lab
  readonly #node: string

  constructor(lab: Lab, node = 'lb1') {
    super(lab, node)
    this.#lab = lab
    this.#node = node
  }

  override command(): Command {
    const usual = super.command()
    return tenbin(usual.slice(usual.indexOf('run')))
  }

  /** statusNow: what the daemon says, which a busy machine may keep from answering in time. Throws when it never does. */
  async statusNow(): Promise<Status> {
    for (const end = Date.now() + PATIENCE_MS; ; await delay(POLL_MS)) {
      const status = await this.status()
      if (status) return status
      const isThere = this.#lab.state.processes.some(
        (each) => each.what === 'tenbin' && each.node === this.#node && isAlive(each),
      )
      assert.ok(isThere && Date.now() < end, `the daemon of ${this.#node} answers`)
    }
  }

  /** ask calls the daemon's API. Throws what callDaemon throws. */
  ask<Reply extends z.ZodType>(call: Call<Reply>): Promise<z.output<Reply>> {
    return callDaemon(this.socket, call)
  }

  /** apply writes the file and has the daemon apply it. Throws DaemonRefusal when it does not. */
  apply(text: string): Promise<ReloadAnswer> {
    this.write(text)
    return this.reloadNow()
  }

  /** reloadNow has the daemon apply its file as it is. Throws DaemonRefusal when it does not. */
  reloadNow(): Promise<ReloadAnswer> {
    return this.ask({ method: 'POST', path: '/v1/reload', reply: reloadSchema })
  }

  /** trace: where the daemon says that a flow goes. */
  trace(client: string, listener: string, protocol: Protocol = 'tcp'): Promise<TraceAnswer> {
    return this.ask({ path: '/v1/trace', query: { client, listener, protocol }, reply: traceSchema })
  }

  /** cli runs a command of this instance to its end. */
  cli(...args: readonly string[]): Promise<Ended> {
    const places = ['--instance', this.instance, '--run-dir', this.#lab.directory]
    return execute(this.#lab, this.#node, tenbin([...args, ...places]))
  }

  /** refusal runs a daemon that cannot start, of this instance or another, and resolves when it has ended. */
  refusal(instance = this.instance, file = this.file): Promise<Ended> {
    const { directory } = this.#lab
    const places = ['--instance', instance, '--run-dir', directory, '--state-dir', directory]
    return execute(this.#lab, this.#node, tenbin(['run', '-c', file, ...places]))
  }

  /** pins: where this instance's pins are. */
  get pins(): string {
    return join('/sys/fs/bpf/tenbin', this.instance)
  }
}
