// A namespace of its own with one web server (Debian's nginx) that answers at every address of 127.0.0.0/8, and the real
// checker process beside it, each on a CPU of its own. Targets are that many addresses: to the checker and to the kernel
// as many servers.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { RHYTHM, type SingleProbe } from '../../src/config/check-spec.ts'
import { CheckerClient } from '../../src/health/checker-client.ts'
import type { Alive, Order, State } from '../../src/health/protocol.ts'
import { NetworkNamespace } from '../../src/sys/namespace.ts'
import { UsageMeter, type Used } from './used.ts'

const CONFIG = (folder: string) => `
daemon off; user root; worker_processes 1; pid ${folder}/pid; error_log stderr crit; worker_rlimit_nofile 20000;
events { worker_connections 16384; }
http { access_log off; server { listen ${TARGET_PORT} backlog=16384; return 200 "ok"; } }
`

/** Targets: servers to be looked at, and the namespace of whoever looks. */
export class Targets implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'tenbin-bench-checks-'))
  readonly #namespace = NetworkNamespace.create()
  readonly #processes: ChildProcess[] = []
  readonly #socket = join(this.folder, 'checker.sock')

  /** start: the server answers and the checker listens. */
  static async start(): Promise<Targets> {
    const targets = new Targets()
    const config = join(targets.folder, 'nginx.conf')
    writeFileSync(config, CONFIG(targets.folder))
    await once(targets.spawn('ip', ['link', 'set', 'lo', 'up']), 'exit')
    for (const setting of ['net.core.somaxconn=16384', 'net.ipv4.tcp_max_syn_backlog=16384'])
      await once(targets.spawn('sysctl', ['-qw', setting]), 'exit')
    const last = `${cpus().length - 1}`
    targets.spawn('taskset', ['-c', last, 'nginx', '-e', 'stderr', '-p', targets.folder, '-c', config])
    return targets
  }

  /** looking: a checker that looks at `count` targets each second by a probe; ends by disposal. */
  async looking(count: number, probe: SingleProbe): Promise<Looking> {
    // two folders below the project's, like this file, is where a bundle for a guest is too
    const entry = fileURLToPath(new URL('../../src/health/checker-process.ts', import.meta.url))
    const args = [
      '--import',
      'tsx',
      entry,
      this.#socket,
      join(this.folder, `checks-${this.#processes.length}.json`),
      'bench',
    ]
    const child = this.spawn('taskset', ['-c', '0', process.execPath, ...args])
    const looking = new Looking(child, this.#socket, ordersOf(count, probe))
    await looking.settled()
    return looking
  }

  /** run: in the namespace. */
  run<Result>(work: () => Result): Result {
    return this.#namespace.run(work)
  }

  /** spawn: a process beside the servers, which ends with them at the latest. */
  spawn(command: string, args: readonly string[], stderr: 'inherit' | 'pipe' = 'inherit'): ChildProcess {
    const child = this.run(() => spawn(command, args, { stdio: ['ignore', 'ignore', stderr] }))
    this.#processes.push(child)
    return child
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#processes) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    }
    this.#namespace[Symbol.dispose]()
    rmSync(this.folder, { recursive: true })
  }
}

export const TARGET_PORT = 80

/** targetAddress: of the n-th of up to 2^16 * 254 targets, from 0 on. */
export const targetAddress = (at: number): string => `127.${1 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}`

function ordersOf(count: number, probe: SingleProbe): Order[] {
  const rhythm = { ...RHYTHM, everyMs: 1000, inDoubtMs: 1000, timeoutMs: 1000 }
  return Array.from({ length: count }, (_, at) => ({
    key: `${at}`,
    check: { probe, rhythm, observe: false },
    address: targetAddress(at),
    port: TARGET_PORT,
  }))
}

/** Looking: a checker at work. */
export class Looking implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #client: CheckerClient
  readonly #count: number
  readonly #meter: UsageMeter
  readonly #up = new Set<string>()
  #seconds: Alive[] = []

  constructor(child: ChildProcess, socket: string, orders: readonly Order[]) {
    this.#child = child
    this.#meter = new UsageMeter(child.pid!)
    this.#count = orders.length
    this.#client = new CheckerClient({
      socket,
      onStates: (states) => this.#see(states),
      onChanges: (changes) => this.#see(changes),
      onAlive: (alive) => this.#seconds.push(alive),
      onPresent: () => {},
      onAbsent: () => {},
    })
    this.#client.order(orders)
  }

  #see(states: readonly State[]): void {
    for (const { key, standing } of states)
      if (standing === 'up') this.#up.add(key)
      else this.#up.delete(key)
  }

  /** pid: of the checker. */
  get pid(): number {
    return this.#child.pid!
  }

  /** up: how many targets are known to be up. */
  get up(): number {
    return this.#up.size
  }

  /** settled: all are up, and what is compiled while it runs has run. */
  async settled(): Promise<void> {
    for (let tries = 0; this.#up.size < this.#count && tries < 100; tries++) await delay(100)
    await delay(3000)
  }

  /** seconds: what the checker said of each of the next ones, and what it used of the machine. */
  async seconds(count: number): Promise<{ readonly alive: readonly Alive[]; readonly used: Used }> {
    this.#seconds = []
    this.#meter.used()
    while (this.#seconds.length < count) await delay(50)
    return { alive: this.#seconds.slice(0, count), used: this.#meter.used() }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]()
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await ended
  }
}
