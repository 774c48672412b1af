// A lab held by this process: its network is up, commands run in its nodes, and it goes when this process is done with
// it (dispose) or, should it die, when the next command sweeps. `keep` lets it outlive the process. Scenario tests
// hold labs of their own and put real servers and clients into them.

import type { ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { TenbinError } from '../base/errors.ts'
import { writeClusterKeys } from './cluster-keys.ts'
import { entryCommand } from './entry.ts'
import { locked } from './lock.ts'
import { networkUp } from './network.ts'
import { identify, isAlive } from './processes.ts'
import { sweep, wipe } from './remove.ts'
import { type Command, requireTools, runIn, type SpawnOptions, spawnIn } from './run.ts'
import { claim, type LabProcess, type LabState, labDirectory, save } from './state.ts'
import {
  checkLabName,
  findNode,
  labTopology,
  nodesOf,
  SWITCH,
  type Topology,
  type TopologyOptions,
} from './topology.ts'
import { WebHand } from './web-hand.ts'
import type { WebProcessOptions } from './web-process.ts'

/** HoldOptions: `name`, or the first free of prefix, prefix2, prefix3... (prefix: "lab"). */
export interface HoldOptions extends TopologyOptions {
  readonly name?: string
  readonly prefix?: string
}

/** Started: a process of the lab that outlives the command, and how to hear from it. */
export interface Started {
  readonly process: LabProcess
  readonly child: ChildProcess
  /** logFile: where its stdout and stderr go. */
  readonly logFile: string
}

export class Lab implements AsyncDisposable {
  #state: LabState
  #kept = false

  private constructor(state: LabState) {
    this.#state = state
  }

  /**
   * hold cleans leftovers, takes a name and builds the network; nothing is left of it on failure. Throws
   * NOT_PERMITTED, LAB_TOOL_MISSING, LAB_EXISTS, LAB_OPTION_INVALID, LAB_COMMAND_FAILED.
   */
  static async hold(options: HoldOptions = {}): Promise<Lab> {
    requireRoot()
    requireTools()
    const lab = await locked(async () => {
      await sweep()
      const state = claimFree(options)
      // Namespaces of this name whose state was lost: nobody else can hold them now.
      await wipe(state.topology.lab, { keepState: true })
      return new Lab(save(state))
    })
    try {
      await networkUp(lab.topology)
      if (lab.topology.router) writeClusterKeys(lab.topology)
    } catch (error) {
      await lab[Symbol.asyncDispose]()
      throw error
    }
    return lab
  }

  /** resume: a lab that is up, and stays so whatever becomes of this process. */
  static resume(state: LabState): Lab {
    const lab = new Lab(state)
    lab.#kept = true
    return lab
  }

  get name(): string {
    return this.topology.lab
  }

  get topology(): Topology {
    return this.#state.topology
  }

  get state(): LabState {
    return this.#state
  }

  /** directory: for files of this lab; removed with it. */
  get directory(): string {
    return labDirectory(this.name)
  }

  /** run waits for a command in a node and returns its stdout. Throws LAB_COMMAND_FAILED and LAB_NODE_UNKNOWN. */
  run(node: string, command: Command, input = ''): Promise<string> {
    return runIn(findNode(this.topology, node).namespace, command, input)
  }

  /** spawn starts a command in a node; what still runs when the lab goes is ended. Throws LAB_NODE_UNKNOWN. */
  spawn(node: string, command: Command, options: SpawnOptions): ChildProcess {
    return spawnIn(findNode(this.topology, node).namespace, command, options)
  }

  /** start is spawn for a process that outlives this one: remembered in place of a dead one, its output in a log file. */
  start(what: LabProcess['what'], node: string, command: Command, withPipe = false): Started {
    const logFile = join(this.directory, `${node}.log`)
    const log = openSync(logFile, 'a')
    try {
      const stdio = ['ignore', log, log, ...(withPipe ? (['pipe'] as const) : [])] as const
      const child = this.spawn(node, command, { stdio: [...stdio], detached: true })
      const id = child.pid === undefined ? undefined : identify(child.pid)
      if (!id) throw failed(what, logFile)
      const process: LabProcess = { what, node, ...id }
      const others = this.#state.processes.filter(
        (one) => one.what !== what || one.node !== node || isAlive(one),
      )
      this.#state = save({ ...this.#state, processes: [...others, process] })
      child.unref()
      return { process, child, logFile }
    } finally {
      closeSync(log)
    }
  }

  /** startWebServers: every server answers who it is, on `port`. Throws LAB_PROCESS_FAILED. */
  async startWebServers(port = 80): Promise<Started & { readonly hand: WebHand }> {
    const servers = nodesOf(this.topology, 'server').map(({ name, namespace }) => ({ name, namespace }))
    const options: WebProcessOptions = { port, servers }
    const started = this.start('web servers', SWITCH, entryCommand('web-process', options), true)
    const hand = new WebHand(started.child.stdio[3] as Socket)
    if (await hand.isReady()) return { ...started, hand }
    throw failed('web servers', started.logFile)
  }

  /** keep: the lab stays when this process is done with it. */
  keep(): void {
    this.#state = save({ ...this.#state, phase: 'up' })
    this.#kept = true
  }

  /** Dispose: everything of the lab goes, unless it is kept. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#kept) await locked(() => wipe(this.name))
  }
}

/** requireRoot throws NOT_PERMITTED unless `user` is root. */
export function requireRoot(user = process.geteuid?.()): void {
  if (user === 0) return
  throw new TenbinError('NOT_PERMITTED', 'lab', {
    detail: 'a lab is made of network namespaces, which only root may make',
  })
}

/** failed: a process of the lab that did not start, in its own words. */
export function failed(what: string, logFile: string): TenbinError {
  const words = readFileSync(logFile, 'utf8').trim().split('\n').slice(-12).join('\n')
  return new TenbinError('LAB_PROCESS_FAILED', `start ${what}`, {
    detail: words || 'it ended without a word',
  })
}

function claimFree({ name, prefix = 'lab', ...options }: HoldOptions): LabState {
  if (name !== undefined) {
    const state = claim(labTopology(name, options))
    if (state) return state
    const detail = `there is a lab called ${name} already`
    throw new TenbinError('LAB_EXISTS', 'lab', { detail })
  }
  checkLabName(prefix)
  for (let number = 1; ; number++) {
    const state = claim(labTopology(number === 1 ? prefix : `${prefix}${number}`, options))
    if (state) return state
  }
}
