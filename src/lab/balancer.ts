// tenbin on a node of a lab: how its daemon is started there, asked, told to read its file again, and killed. This
// is the only place that knows its command line. What the daemon says is read by the API's own schema.

import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { TenbinError } from '../base/errors.ts'
import { type Status, statusSchema } from '../daemon/api-schema.ts'
import { instanceOf } from '../daemon/instance.ts'
import { tenbinCommand } from './entry.ts'
import { failed, type Lab } from './held-lab.ts'
import { isAlive, type ProcessId } from './processes.ts'
import { fileName, instanceName } from './topology.ts'

/** READY_MS: how long a daemon may take until it forwards to every server that answers, on a machine with much else to do. */
const READY_MS = 30_000
const POLL_MS = 20

/** Each server's MAC is known, and whether it answers, if it is looked at. */
const reachesAll = ({ servers, pools }: Status): boolean =>
  servers.every(({ mac }) => mac !== undefined) &&
  pools.every((pool) => pool.servers.every(({ check }) => check?.state !== 'unknown'))

export class Balancer {
  readonly #lab: Lab
  readonly #node: string
  readonly instance: string
  readonly socket: string
  /** file: the node's tenbin.yaml. */
  readonly file: string
  readonly #places: readonly string[]

  constructor(lab: Lab, node = 'lb1') {
    this.#lab = lab
    this.#node = node
    this.instance = instanceName(lab.name, node)
    this.#places = ['--instance', this.instance, '--run-dir', lab.directory, '--state-dir', lab.directory]
    this.socket = instanceOf({ instance: this.instance, runDir: lab.directory }).socket
    this.file = join(lab.directory, fileName(lab.topology, node))
  }

  /** write replaces the node's file. */
  write(text: string): void {
    writeFileSync(this.file, text)
  }

  /** text: the node's file as it is. */
  text(): string {
    return readFileSync(this.file, 'utf8')
  }

  /** command: the daemon as it is started, inside the node. */
  command(): readonly [string, ...string[]] {
    return tenbinCommand(['run', '-c', this.file, ...this.#places])
  }

  /**
   * start resolves when the daemon forwards and `isReady`: to all servers of the file that answer, if nothing
   * else is said. Throws
   * LAB_PROCESS_FAILED.
   */
  async start(isReady: (status: Status) => boolean = reachesAll): Promise<Status> {
    const { process, logFile } = this.#lab.start('tenbin', this.#node, this.command())
    const ready = (status: Status) =>
      status.pid === process.pid && status.state === 'forwarding' && isReady(status)
    const status = await this.#until(ready, () => !isAlive(process))
    if (status) return status
    throw failed(`tenbin on ${this.#node}`, logFile)
  }

  /** reload tells the daemon to read its file again (SIGHUP) and resolves when it has. Throws LAB_PROCESS_FAILED. */
  async reload(): Promise<Status> {
    const daemon = this.#running()
    const before = (await this.status())?.lastReload?.at
    process.kill(daemon.pid, 'SIGHUP')
    const status = await this.#until((now) => now.lastReload !== undefined && now.lastReload.at !== before)
    const problem = status?.lastReload?.problems[0]?.message
    if (status?.lastReload?.done) return status
    throw new TenbinError('LAB_PROCESS_FAILED', 'reload', {
      detail: problem ?? 'the daemon did not answer in time',
    })
  }

  /**
   * applyToAll has this text run on all nodes of the file (`tenbin apply`), but those that it can do without. Throws
   * LAB_COMMAND_FAILED, in the command's words.
   */
  async applyToAll(text: string, without: readonly string[] = []): Promise<Status | undefined> {
    this.write(text)
    const places = ['--instance', this.instance, '--run-dir', this.#lab.directory]
    const options = without.length > 0 ? ['--without', without.join(',')] : []
    await this.#lab.run(this.#node, tenbinCommand(['apply', this.file, '--yes', ...options, ...places]))
    return this.status()
  }

  /** kill ends the daemon by SIGKILL, so without a chance to do anything more. Resolves when it is gone. */
  async kill(): Promise<ProcessId> {
    const daemon = this.#running()
    process.kill(daemon.pid, 'SIGKILL')
    while (isAlive(daemon)) await delay(5)
    return daemon
  }

  /** status: what the daemon says, if it answers. */
  status(): Promise<Status | undefined> {
    return new Promise((resolve) => {
      const nothing = () => resolve(undefined)
      request(
        { socketPath: this.socket, path: '/v1/status', headers: { host: 'tenbin' }, timeout: 2000 },
        (answer) => {
          let text = ''
          answer.setEncoding('utf8').on('data', (part: string) => (text += part))
          answer.on('error', nothing).on('end', () => {
            const read = answer.statusCode === 200 ? statusSchema.safeParse(JSON.parse(text)) : undefined
            resolve(read?.data)
          })
        },
      )
        .on('timeout', function (this: { destroy(): void }) {
          this.destroy()
        })
        .on('error', nothing)
        .end()
    })
  }

  async #until(wanted: (status: Status) => boolean, hopeless = () => false): Promise<Status | undefined> {
    for (const deadline = Date.now() + READY_MS; Date.now() < deadline && !hopeless(); await delay(POLL_MS)) {
      const status = await this.status()
      if (status && wanted(status)) return status
    }
    return undefined
  }

  /** #running: whoever started it: `lab heal` does, too. */
  #running(): ProcessId {
    const { processes } = this.#lab.state
    const daemon = processes.findLast(({ what, node }) => what === 'tenbin' && node === this.#node)
    if (daemon && isAlive(daemon)) return daemon
    const detail = `tenbin on ${this.#node} is not running`
    throw new TenbinError('LAB_PROCESS_FAILED', this.instance, { detail })
  }
}
