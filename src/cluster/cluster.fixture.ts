// Clusters over real connections on this machine's loopback addresses, for tests: node N is at 127.77.X.N, all on one free port.

import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Ip, parseIp } from '../base/addresses.ts'
import { Cluster } from './cluster.ts'
import type { ClusterSpec } from './cluster-spec.ts'
import { Invitations } from './invitations.ts'
import { type ClusterKeys, writeKeyFile } from './key-file.ts'
import { newCluster } from './new-cluster.ts'
import type { Peers } from './peers.ts'

/** NodeOptions: `keys` in place of those of its cluster; `clockMs`: how far its clock is ahead. */
export interface NodeOptions {
  readonly keys?: ClusterKeys | 'none' | undefined
  readonly clockMs?: number
  readonly version?: string
  /** lostMs: how long a peer may be silent; 700 if absent. */
  readonly lostMs?: number
}

export class TestCluster implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'tenbin-cluster-'))
  readonly spec: ClusterSpec
  readonly keys: ReadonlyMap<string, ClusterKeys>
  readonly #open: Cluster[] = []

  private constructor(spec: ClusterSpec) {
    this.spec = spec
    this.keys = new Map(newCluster(spec.nodes.map(({ name }) => name)).map((keys) => [keys.node, keys]))
  }

  static async of(names: readonly string[]): Promise<TestCluster> {
    const net = `127.77.${process.pid % 250}`
    const port = await freePort()
    const nodes = names.map((name, i) => ({ name, addresses: [parseIp(`${net}.${i + 1}`)] }))
    return new TestCluster({ port, nodes })
  }

  keyFile(name: string): string {
    return join(this.folder, `${name}.cluster.json`)
  }

  invitations(name: string): Invitations {
    return new Invitations(join(this.folder, `${name}.invitations`))
  }

  address(name: string): Ip {
    return this.spec.nodes.find((node) => node.name === name)!.addresses[0]!
  }

  /** start a node; it follows the cluster's own file unless it is told otherwise. */
  start(
    name: string,
    { keys = this.keys.get(name), clockMs = 0, version = '0.1.0', lostMs = 700 }: NodeOptions = {},
  ): Cluster {
    if (keys && keys !== 'none') writeKeyFile(this.keyFile(name), keys)
    const cluster = new Cluster({
      keys: this.keyFile(name),
      invitations: this.invitations(name),
      version,
      rhythm: { beatMs: 100, lostMs },
      moment: () => ({ ms: performance.now(), date: new Date(Date.now() + clockMs) }),
    })
    cluster.follow(this.spec)
    this.#open.push(cluster)
    return cluster
  }

  [Symbol.dispose](): void {
    for (const cluster of this.#open) cluster[Symbol.dispose]()
    rmSync(this.folder, { recursive: true })
  }
}

/** until `holds`; fails after `ms`, saying what is seen. */
export async function until(
  holds: () => boolean,
  seen: () => unknown = () => '',
  ms = 15_000,
): Promise<void> {
  for (const end = Date.now() + ms; !holds(); await delay(5))
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${JSON.stringify(seen())}`)
}

/** meet: until both see the other connected. */
export const meet = (...all: readonly Pick<Peers, 'nodes'>[]): Promise<void> =>
  until(
    () => all.every((one) => one.nodes().every(({ state }) => state === 'connected')),
    () => all.map((one) => one.nodes()),
  )

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
