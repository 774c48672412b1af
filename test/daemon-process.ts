// The real command, run from source in a node of a lab: the daemon as a child that a test starts, asks and ends,
// and other commands beside it. Everything of it is in the lab's directory; the lab ends what still runs.

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { callDaemon } from '../src/cli/client.ts'
import { type Status, statusSchema } from '../src/daemon/api-schema.ts'
import { type Instance, instanceOf } from '../src/daemon/instance.ts'
import type { Lab } from '../src/lab/held-lab.ts'

const MAIN = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))
const DEADLINE_MS = 20_000

/** End: how a command ended. */
export interface End {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** DaemonNode: a node of a lab, its instance of tenbin, and its file. */
export class DaemonNode {
  readonly #lab: Lab
  readonly #node: string
  readonly #places: readonly string[]
  readonly instance: Instance
  readonly file: string
  #child: ChildProcess | undefined
  /** log: everything that the daemons said, in order. */
  log = ''

  constructor(lab: Lab, node: string, name = `${lab.name}-${node}`) {
    this.#lab = lab
    this.#node = node
    const places = { instance: name, runDir: lab.directory, stateDir: lab.directory }
    this.instance = instanceOf(places)
    this.file = join(lab.directory, `${name}.yaml`)
    this.#places = ['--instance', name, '--run-dir', lab.directory]
  }

  /** write replaces the node's file. */
  write(text: string): void {
    writeFileSync(this.file, text)
  }

  /** tenbin runs a command in the node, about this instance, to its end. */
  async tenbin(words: string): Promise<End> {
    const args = [...words.split(' '), ...this.#places]
    const child = this.#spawn(args)
    let out = ''
    let err = ''
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (out += text))
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (err += text))
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, out, err }
  }

  /** start runs the daemon until it says `text`. */
  async start(text = '"msg":"applied '): Promise<void> {
    const from = this.log.length
    const child = this.#spawn([
      'run',
      '-c',
      this.file,
      '--state-dir',
      this.instance.stateDir,
      ...this.#places,
    ])
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (said: string) => (this.log += said))
    }
    this.#child = child
    await this.says(text, from)
  }

  /** says waits until the log, from a place on, has this text. */
  async says(text: string, from = 0): Promise<void> {
    await this.until(() => this.log.slice(from).includes(text), `the daemon says ${text}`)
  }

  /** until waits for a truth. */
  async until(isTrue: () => boolean | Promise<boolean>, what: string): Promise<void> {
    for (const deadline = Date.now() + DEADLINE_MS; Date.now() < deadline; await delay(20)) {
      if (await isTrue()) return
      if (this.#child && this.#child.exitCode !== null) break
    }
    throw new Error(`not in time: ${what}\n${this.log}`)
  }

  /** status: as the API says it. */
  status(): Promise<Status> {
    return callDaemon(this.instance.socket, { path: '/v1/status', reply: statusSchema })
  }

  signal(name: NodeJS.Signals): void {
    this.#child!.kill(name)
  }

  /** end sends a signal and resolves with the exit code, null if the signal itself ended the process. */
  async end(name: NodeJS.Signals): Promise<number | null> {
    const child = this.#child!
    this.#child = undefined
    const closed = once(child, 'close')
    child.kill(name)
    const [code] = (await closed) as [number | null]
    return code
  }

  #spawn(args: readonly string[]): ChildProcess {
    const command = [process.execPath, '--import', import.meta.resolve('tsx'), MAIN, ...args] as const
    return this.#lab.spawn(this.#node, [...command], { stdio: ['ignore', 'pipe', 'pipe'] })
  }
}
