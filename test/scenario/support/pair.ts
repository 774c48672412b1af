// Two nodes of a lab that share a file, as scenarios begin: keys as `tenbin cluster` makes them, a daemon on each, and what is
// waited for again and again. Whatever is not so in time says how both nodes see it.
//
//   await using pair = await Pair.hold({ prefix: 'same', servers: 4, pair: true }, file)
//   await pair.start()
//   await pair.leads('lb1')

import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'
import type { Status } from '../../../src/daemon/api-schema.ts'
import { writeClusterKeys } from '../../../src/lab/cluster-keys.ts'
import { type HoldOptions, Lab } from '../../../src/lab/held-lab.ts'
import { Tenbin } from './tenbin.ts'

/** PAIR_NODES: both, the one that files of scenarios prefer first. */
export const PAIR_NODES = ['lb1', 'lb2'] as const
export type PairNode = (typeof PAIR_NODES)[number]

/** otherNode than this one. */
export const otherNode = (node: PairNode): PairNode => (node === 'lb1' ? 'lb2' : 'lb1')

/** PATIENCE_MS: generous, since much else may run on the machine. */
const PATIENCE_MS = 60_000
const POLL_MS = 20

export class Pair implements AsyncDisposable {
  readonly lab: Lab
  readonly lb1: Tenbin
  readonly lb2: Tenbin

  private constructor(lab: Lab) {
    this.lab = lab
    this.lb1 = new Tenbin(lab, 'lb1')
    this.lb2 = new Tenbin(lab, 'lb2')
  }

  /**
   * hold a lab with these options, `pair` or two balancers on one network, with web servers that answer; no daemon runs.
   * `file`: what each node has, or how it is made for this lab. Throws what Lab.hold throws.
   */
  static async hold(options: HoldOptions, file: string | ((lab: Lab) => string)): Promise<Pair> {
    const lab = await Lab.hold(options)
    try {
      await lab.startWebServers()
      writeClusterKeys(lab.topology)
      const pair = new Pair(lab)
      for (const node of PAIR_NODES) pair[node].write(typeof file === 'string' ? file : file(lab))
      return pair
    } catch (error) {
      await lab[Symbol.asyncDispose]()
      throw error
    }
  }

  /** start both daemons. Throws LAB_PROCESS_FAILED. */
  async start(): Promise<void> {
    await Promise.all(PAIR_NODES.map((node) => this[node].start()))
  }

  /** status of a node whose daemon answers. */
  status(node: PairNode): Promise<Status> {
    return this[node].statusNow()
  }

  /** roleOf a node for the first address set; `absent`: its daemon does not answer. */
  async roleOf(node: PairNode): Promise<string> {
    return (await this[node].status())?.sets[0]?.role ?? 'absent'
  }

  /** until: resolves with how many ms it took; fails with how both nodes are. */
  async until(what: string, isSo: () => boolean | Promise<boolean>): Promise<number> {
    const startedAt = performance.now()
    for (; !(await isSo()); await delay(POLL_MS)) {
      if (performance.now() - startedAt < PATIENCE_MS) continue
      const seen = await Promise.all(PAIR_NODES.map((node) => this[node].status()))
      const told = seen.map((each) => [each?.sets, each?.sharing, each?.problems, each?.vrrp])
      assert.fail(`not in time: ${what}: ${inspect(told, { depth: 9 })}`)
    }
    return performance.now() - startedAt
  }

  /** leads: a node is active, the other one a backup that has been told of all flows. */
  leads(node: PairNode): Promise<number> {
    return this.until(`${node} is active and tells the other one of flows`, async () => {
      const roles = [await this.roleOf(node), await this.roleOf(otherNode(node))]
      return roles.join() === 'active,backup' && (await this.isTold(otherNode(node)))
    })
  }

  /** isTold: a node has been told of all flows, and tells. */
  async isTold(node: PairNode): Promise<boolean> {
    const all = await Promise.all([node, otherNode(node)].map((each) => this[each as PairNode].status()))
    return all.every((status) => status?.sharing?.[0]?.state === 'current')
  }

  /** Dispose: the lab goes, and all that runs in it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]()
  }
}
