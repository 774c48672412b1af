// Two nodes of one contender and a client on one bridge, for as many failures as are wanted. Each is brought about and undone,
// and both changes of roles are measured from the client's side: how long the service address did not answer.
//
//   client: probe -----+----- lb1: priority 200, preempts
//                      +----- lb2: priority 100

import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { formatIp } from '../../src/base/addresses.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { isAlive, type ProcessId, processesIn } from '../../src/lab/processes.ts'
import { findNode, type LabNode, SWITCH } from '../../src/lab/topology.ts'
import { KernelNetwork } from '../../src/netlink/kernel-network.ts'
import { namespacePath, openNamed } from '../../src/sys/named-namespace.ts'
import { TalkingProcess } from '../../test/scenario/support/talking-process.ts'
import { Port } from './port.ts'
import type { ProbeOptions, ProbeReport } from './probe-process.ts'
import { ADDRESS, type Cause, type Contender, type NodeName, PRIORITIES, SERVICE } from './setting.ts'

/** Change: of roles; `ms`: without service, all in all. */
export interface Change {
  readonly ms: number
  readonly outages: number
  /** How finely it was looked, at worst. */
  readonly coarsestMs: number
}

/** Failure: `changed`: until the other node had the address; `back`: until lb1 had it again. */
export interface Failure {
  readonly changed: Change
  readonly back: Change
}

/** After a change: what may still be disturbed, such as who answers ARP. */
const WATCH_MS = 200
const SETTLED_MS = 500
const [POLL_MS, PATIENCE_MS] = [3, 8000]
const PROBE = fileURLToPath(new URL('./probe-process.ts', import.meta.url))

export class Scene implements AsyncDisposable {
  readonly #lab: Lab
  readonly #contender: Contender
  readonly #advertMs: number
  readonly #probe: TalkingProcess
  readonly #networks: Readonly<Record<NodeName, KernelNetwork>>
  /** lb1's. */
  readonly #port: Port

  private constructor(
    lab: Lab,
    contender: Contender,
    advertMs: number,
    probe: TalkingProcess,
    networks: Readonly<Record<NodeName, KernelNetwork>>,
  ) {
    this.#lab = lab
    this.#contender = contender
    this.#advertMs = advertMs
    this.#probe = probe
    this.#networks = networks
    this.#port = new Port(lab, 'lb1')
  }

  /** begin resolves when lb1 is active. */
  static async begin(contender: Contender, advertMs: number): Promise<Scene> {
    const lab = await Lab.hold({ prefix: 'bench', balancers: 2, servers: 1 })
    try {
      await untilForwarding(lab)
      const { address } = findNode(lab.topology, 'client') as LabNode
      const options: ProbeOptions = { address: SERVICE, own: address }
      const tsx = import.meta.resolve('tsx')
      // Above what it looks at, so that it is never the one that is late.
      const chrt = ['chrt', '--rr', '60'] as const
      const probe = await TalkingProcess.start(lab, 'client', [
        ...chrt,
        ...([process.execPath, '--import', tsx, PROBE, JSON.stringify(options)] as const),
      ])
      const networkOf = (node: NodeName): KernelNetwork => {
        using place = openNamed(findNode(lab.topology, node).namespace)
        return place.run(() => new KernelNetwork())
      }
      const networks = { lb1: networkOf('lb1'), lb2: networkOf('lb2') }
      const scene = new Scene(lab, contender, advertMs, probe, networks)
      scene.#start('lb2')
      scene.#start('lb1')
      await scene.#steady()
      // What two processes that start at once do to each other is not what is measured.
      await delay(SETTLED_MS)
      return scene
    } catch (error) {
      await lab[Symbol.asyncDispose]()
      throw error
    }
  }

  /** fail brings a failure of lb1 about, so long after an advert, and undoes it. Throws where nobody takes over. */
  async fail(cause: Cause, phaseMs: number): Promise<Failure> {
    const processes = this.#processes('lb1')
    await this.#probe.ask<ProbeReport>('report')
    await this.#probe.ask<{ atMs: number }>(`at ${phaseMs}`)
    this.#bring(cause, processes)
    await this.#until(`lb2 active after ${cause}`, () => this.#holds('lb2'))
    const changed = await this.#change()
    await this.#undo(cause, processes)
    await this.#steady()
    return { changed, back: await this.#change() }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#probe[Symbol.asyncDispose]()
    for (const each of [...Object.values(this.#networks), this.#port]) each[Symbol.dispose]()
    await this.#lab[Symbol.asyncDispose]()
  }

  #bring(cause: Cause, processes: readonly ProcessId[]): void {
    if (cause === 'crash' || cause === 'link') this.#port.set(false)
    const signals = { crash: 'SIGKILL', daemon: 'SIGKILL', link: undefined, freeze: 'SIGSTOP' } as const
    // The first one started the others, and ends them.
    if (cause === 'orderly') process.kill(processes[0]!.pid, 'SIGTERM')
    // Who was started last goes first: keepalived's own child ends in good order when its parent is gone.
    else if (signals[cause]) for (const { pid } of processes.toReversed()) process.kill(pid, signals[cause])
  }

  async #undo(cause: Cause, processes: readonly ProcessId[]): Promise<void> {
    switch (cause) {
      case 'freeze':
        for (const { pid } of processes) process.kill(pid, 'SIGCONT')
        return
      case 'link':
        return this.#port.set(true)
      case 'crash':
        await this.#until(`the end after ${cause}`, () => !processes.some(isAlive))
        // The machine begins anew: nothing that was added is there.
        this.#forget()
        this.#port.set(true)
        return this.#start('lb1')
      case 'daemon':
      case 'orderly':
        await this.#until(`the end after ${cause}`, () => !processes.some(isAlive))
        return this.#start('lb1')
      default:
        return cause satisfies never
    }
  }

  #start(node: NodeName): void {
    const log = openSync(join(this.#lab.directory, `${node}.log`), 'a')
    const setting = { advertMs: this.#advertMs, priority: PRIORITIES[node] }
    const command = this.#contender(this.#lab, node, setting)
    this.#lab.spawn(node, command, { stdio: ['ignore', log, log], detached: true }).unref()
    closeSync(log)
  }

  /** #processes: of a node, the first one started first. */
  #processes(node: NodeName): readonly ProcessId[] {
    return processesIn([namespacePath(findNode(this.#lab.topology, node).namespace)]).toSorted(
      (a, b) => a.pid - b.pid,
    )
  }

  #addresses(node: NodeName) {
    return this.#networks[node]
      .listAddresses()
      .filter(({ address, prefix }) => `${formatIp(address)}/${prefix}` === ADDRESS)
  }

  #holds(node: NodeName): boolean {
    return this.#addresses(node).length > 0
  }

  #forget(): void {
    for (const each of this.#addresses('lb1')) this.#networks.lb1.removeAddress(each)
  }

  /** #steady: lb1 alone is active, and has been for some adverts. */
  async #steady(): Promise<void> {
    await this.#until('lb1 active alone', () => this.#holds('lb1') && !this.#holds('lb2'))
    await delay(2 * this.#advertMs)
  }

  async #change(): Promise<Change> {
    await delay(WATCH_MS)
    const { outages, coarsestMs } = await this.#probe.ask<ProbeReport>('report')
    return { ms: outages.reduce((sum, { ms }) => sum + ms, 0), outages: outages.length, coarsestMs }
  }

  /** #words: the last of a node's log. */
  #words(node: NodeName): string {
    const lines = readFileSync(join(this.#lab.directory, `${node}.log`), 'utf8')
      .trim()
      .split('\n')
    return `\n${node}: ${lines.slice(-8).join('\n  ')}`
  }

  async #until(what: string, isSo: () => boolean): Promise<void> {
    for (const end = performance.now() + PATIENCE_MS + 5 * this.#advertMs; !isSo(); await delay(POLL_MS))
      if (performance.now() > end) throw new Error(`no ${what}: ${this.#words('lb1')}${this.#words('lb2')}`)
  }
}

/** untilForwarding: the switch takes a port into use up to a second after its link is up (net/core/link_watch.c). */
async function untilForwarding(lab: Lab): Promise<void> {
  for (const end = performance.now() + PATIENCE_MS; ; await delay(POLL_MS)) {
    const ports = JSON.parse(await lab.run(SWITCH, ['bridge', '-j', 'link'])) as { state: string }[]
    if (ports.length > 0 && ports.every(({ state }) => state === 'forwarding')) return
    if (performance.now() > end) throw new Error(`ports of the switch: ${JSON.stringify(ports)}`)
  }
}
