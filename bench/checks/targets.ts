// A namespace of its own with one web server (Debian's nginx) that answers at every address of 127.0.0.0/8, and the real
// checker process beside it, each on a CPU of its own. Targets are that many addresses: to the checker and to the kernel
// as many servers.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { RHYTHM, type SingleProbe } from '../../src/config/check-spec.ts'
import { CheckerClient } from '../../src/health/checker-client.ts'
import type { Alive, Order, State } from '../../src/health/protocol.ts'
import { NetworkNamespace } from '../../src/sys/namespace.ts'

const CONFIG = (folder: string) => `
daemon off; user root; worker_processes 1; pid ${folder}/pid; error_log stderr crit; worker_rlimit_nofile 20000;
events { worker_connections 16384; }
http { access_log off; server { listen 80 backlog=16384; return 200 "ok"; } }
`

/** Used: of a process, since it was asked before. */
export interface Used {
  /** Cores. */
  readonly cpu: number
  readonly rssMb: number
}

/** TICKS: of /proc/PID/stat, a second (USER_HZ, which is 100 on all machines that we run on). */
const TICKS = 100

export class Targets implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'tenbin-bench-checks-'))
  readonly #namespace = NetworkNamespace.create()
  readonly #processes: ChildProcess[] = []
  readonly #socket = join(this.#folder, 'checker.sock')

  /** start: the server answers and the checker listens. */
  static async start(): Promise<Targets> {
    const targets = new Targets()
    const config = join(targets.#folder, 'nginx.conf')
    writeFileSync(config, CONFIG(targets.#folder))
    await once(targets.#spawn('ip', ['link', 'set', 'lo', 'up']), 'exit')
    for (const setting of ['net.core.somaxconn=16384', 'net.ipv4.tcp_max_syn_backlog=16384'])
      await once(targets.#spawn('sysctl', ['-qw', setting]), 'exit')
    const last = `${cpus().length - 1}`
    targets.#spawn('taskset', ['-c', last, 'nginx', '-e', 'stderr', '-p', targets.#folder, '-c', config])
    return targets
  }

  /** looking: a checker that looks at `count` targets each second by a probe; ends by disposal. */
  async looking(count: number, probe: SingleProbe): Promise<Looking> {
    const entry = fileURLToPath(new URL('../../src/health/checker-process.ts', import.meta.url))
    const args = [
      '--import',
      'tsx',
      entry,
      this.#socket,
      join(this.#folder, `checks-${this.#processes.length}.json`),
      'bench',
    ]
    const child = this.#spawn('taskset', ['-c', '0', process.execPath, ...args])
    const looking = new Looking(child, this.#socket, ordersOf(count, probe))
    await looking.settled()
    return looking
  }

  #spawn(command: string, args: readonly string[]): ChildProcess {
    const child = this.#namespace.run(() => spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] }))
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
    rmSync(this.#folder, { recursive: true })
  }
}

function ordersOf(count: number, probe: SingleProbe): Order[] {
  const rhythm = { ...RHYTHM, everyMs: 1000, inDoubtMs: 1000, timeoutMs: 1000 }
  return Array.from({ length: count }, (_, at) => ({
    key: `${at}`,
    check: { probe, rhythm, observe: false },
    address: `127.${1 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}`,
    port: 80,
  }))
}

/** Looking: a checker at work. */
export class Looking implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #client: CheckerClient
  readonly #count: number
  readonly #up = new Set<string>()
  #seconds: Alive[] = []
  #before = { ticks: 0, at: 0 }

  constructor(child: ChildProcess, socket: string, orders: readonly Order[]) {
    this.#child = child
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
    this.#usage()
    while (this.#seconds.length < count) await delay(50)
    return { alive: this.#seconds.slice(0, count), used: this.#usage() }
  }

  #usage(): Used {
    const pid = this.#child.pid!
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = Number(fields[11]) + Number(fields[12])
    const at = performance.now()
    const cpu = ((ticks - this.#before.ticks) / TICKS / (at - this.#before.at)) * 1000
    this.#before = { ticks, at }
    const rss = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? '0'
    return { cpu, rssMb: Number(rss) / 1024 }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]()
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await ended
  }
}
