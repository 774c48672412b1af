// The hand on an attack: starts its process in a lab, hands on what it reports, and ends it. A flood comes in at the switch's
// port of the balancer (attack-process.ts); `slow` is connections of the client (slow-process.ts).

import type { ChildProcessByStdio } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { TenbinError } from '../base/errors.ts'
import type { AttackProcessOptions, AttackReport } from './attack-process.ts'
import { ownAddresses, type Shape } from './attack-shape.ts'
import { portsOf, waysBack } from './attack-target.ts'
import { entryCommand } from './entry.ts'
import type { Lab } from './held-lab.ts'
import { SERVICE_PORT } from './lab-file.ts'
import type { SlowProcessOptions } from './slow-process.ts'
import { nodesOf, SWITCH } from './topology.ts'

/** AttackOptions: absent: the lab's first service, and as many packets a second as one CPU can make. */
export interface AttackOptions {
  /** shapes: of a flood, one after the other, each for a second, and again; `slow`: no flood, but slow connections. */
  readonly shapes: readonly Shape[] | 'slow'
  readonly perSecond?: number
  readonly address?: string
  readonly port?: number
  /** cpu: where it runs; absent = anywhere. */
  readonly cpu?: number
  readonly reportMs?: number
}

/** AttackCounts: so far. `port`: the switch's port that it goes to: the node that has the address. */
export type AttackCounts = Omit<AttackReport, 'event'>

const REPORT_MS = 200
/** SLOW: connections begun a second, open at most, how often each says a line more, and from how many addresses. */
const SLOW = { perSecond: 100, most: 10_000, everyMs: 5000, sources: 16 } as const

export class Attack implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #closed: Promise<void>
  readonly #ready: Promise<void>
  #counts: AttackCounts = { sent: 0, elapsedMs: 0 }
  #hasEnded = false
  #stderr = ''
  /** Called with every report. */
  onCounts: (counts: AttackCounts) => void = () => undefined

  private constructor(child: ChildProcessByStdio<Writable, Readable, Readable>) {
    this.#child = child
    child.stdin.on('error', () => undefined)
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
    this.#closed = new Promise((resolve) =>
      child.once('close', () => resolve()).once('error', () => resolve()),
    )
    this.#ready = new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const { event, ...counts } = JSON.parse(line) as AttackReport
        this.#counts = counts
        this.#hasEnded = event === 'end'
        resolve()
        this.onCounts(counts)
      })
      void this.#closed.then(() => reject(this.#failure()))
    })
  }

  /** start resolves when packets are being sent. Throws LAB_COMMAND_FAILED, LAB_PROCESS_FAILED, ADDRESS_INVALID. */
  static async start(lab: Lab, { shapes, perSecond, cpu, ...options }: AttackOptions): Promise<Attack> {
    await waysBack(lab)
    const { topology } = lab
    const target = {
      address: options.address ?? topology.serviceAddresses[0]!,
      port: options.port ?? SERVICE_PORT,
    }
    const { reportMs = REPORT_MS } = options
    const client = nodesOf(topology, 'client')[0]!
    const floodOptions = (each: readonly Shape[]): AttackProcessOptions => ({
      shapes: each,
      target: { ...target, from: client.mac },
      ...(perSecond !== undefined && { perSecond }),
      client: { namespace: client.namespace, device: 'eth0' },
      ports: portsOf(topology),
      ...(cpu !== undefined && { cpu }),
      reportMs,
    })
    const slowOptions: SlowProcessOptions = {
      ...target,
      from: ownAddresses(target.address.includes(':') ? 6 : 4, SLOW.sources),
      ...{ perSecond: perSecond ?? SLOW.perSecond, most: SLOW.most, everyMs: SLOW.everyMs, reportMs },
    }
    const [node, command] =
      shapes === 'slow'
        ? ([client.name, entryCommand('slow-process', slowOptions)] as const)
        : ([SWITCH, entryCommand('attack-process', floodOptions(shapes))] as const)
    const child = lab.spawn(node, command, {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    }) as ChildProcessByStdio<Writable, Readable, Readable>
    const attack = new Attack(child)
    await attack.#ready
    return attack
  }

  /** counts: the latest that were reported. */
  get counts(): AttackCounts {
    return this.#counts
  }

  /** stop resolves with the final counts. Throws LAB_PROCESS_FAILED where the process has ended by itself. */
  async stop(): Promise<AttackCounts> {
    this.#child.stdin.write('stop\n')
    await this.#closed
    if (!this.#hasEnded) throw this.#failure()
    return this.#counts
  }

  /** Dispose: nothing is sent any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#closed
  }

  #failure(): TenbinError {
    const detail = `the attack's process ended: ${this.#stderr.trim() || 'it said nothing'}`
    return new TenbinError('LAB_PROCESS_FAILED', 'attack', { detail })
  }
}
