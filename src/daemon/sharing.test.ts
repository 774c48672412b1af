// What the daemon makes of sharing: when it leads, what it waits for, whose hash keys it has. What is shared, and how, is
// tested in replicate/ and engine/.

import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { type FakeCluster, fakeCluster } from '../cluster/fake-peers.ts'
import { load } from '../config/load.ts'
import { HASH_KEYS } from '../dataplane/shape.ts'
import type { Replica } from '../engine/replica.ts'
import { FakePacketPath } from './fake-packet-path.ts'
import type { Roles, SetRole } from './roles.ts'
import { Sharing } from './sharing.ts'

const text = `
nodes: { lb1: 10.0.0.2, lb2: 10.0.0.3 }
interfaces: { lan: eth0, back: eth1 }
addresses:
  front: { on: lan, ips: [10.0.0.100/24], vrid: 5 }
  inner: { on: lan, ips: [10.0.0.101/24], vrid: 6 }
servers: { web1: 10.0.0.11 }
pools: { web: { servers: [web1] } }
services:
  www: { listen: [10.0.0.100:80], pool: web, check: none }
  api: { listen: [10.0.0.101:80], pool: web, check: none }
`
const desired = load('/t.yaml', { read: () => Buffer.from(text), list: () => [] })
const keys = (first: number) => BigUint64Array.from({ length: HASH_KEYS }, (_, i) => BigInt(first + i))

/** Node: a Sharing with what it is handed. */
class Node {
  ms = 0
  readonly active = new Set<string>()
  readonly held: string[] = []
  readonly packetPath = new FakePacketPath(keys(1))
  readonly led = new Set<string>()
  /** awaits: what the packet path was told last of records. */
  awaits: boolean | undefined
  clusterKeys: BigUint64Array | undefined
  readonly sharing: Sharing

  constructor(name: string, cluster: FakeCluster) {
    const replica: Replica = {
      ...this.packetPath.replica,
      isLive: true,
      pools: () => ['web'],
      lead: (pool) => this.led.add(pool).size,
      awaitRecords: (is) => {
        this.awaits = is
      },
    }
    const roles: Roles = {
      of: (set): SetRole => ({ role: this.active.has(set) ? 'active' : 'backup', since: 0 }),
      sets: () => ['front', 'inner'],
      isActive: () => this.active.size > 0,
      onChange: () => ({ [Symbol.dispose]() {} }),
    }
    const { packetPath } = this
    this.sharing = new Sharing({
      peers: cluster.node(name),
      packetPath: {
        replica,
        get keys() {
          return packetPath.keys
        },
        rekey: (to) => packetPath.rekey(to),
      },
      roles,
      hold: (set, who, ms) => void this.held.push(`${set} ${who} ${ms}`),
      clusterKeys: () => this.clusterKeys,
      monotonic: () => this.ms,
    })
    this.sharing.adopt(desired, name)
  }

  codes(): string[] {
    return this.sharing.problems().map(({ code }) => code)
  }
}

let cluster: FakeCluster
beforeEach(() => {
  cluster = fakeCluster(['lb1', 'lb2'])
})

const turn = () => new Promise<void>((done) => setImmediate(done))
async function sweeps(count: number, ...nodes: Node[]): Promise<void> {
  for (let i = 0; i < count; i++) {
    for (const node of nodes) {
      node.ms += 100
      node.sharing.sweep()
    }
    await turn()
  }
}

test('a node leads a pool as long as it is active for a set that one of its services listens on', async () => {
  const node = new Node('lb1', cluster)
  await sweeps(1, node)
  assert.deepEqual([...node.led], [])
  node.active.add('inner')
  await sweeps(1, node)
  assert.deepEqual([...node.led], ['web'])
})

test('no role is taken back before the other node has told all there is, but after a minute in any case', async () => {
  const node = new Node('lb1', cluster)
  assert.deepEqual(node.held, ['front flows 5000', 'inner flows 5000'])
  await sweeps(300, node)
  assert.equal(node.held.length, 2 * 31)
  await sweeps(500, node)
  assert.equal(node.held.length, 2 * 61)
})

test('when both have told each other everything nothing is held; a node that is not there is waited for five seconds', async () => {
  const [lb1, lb2] = [new Node('lb1', cluster), new Node('lb2', cluster)]
  await sweeps(5, lb1, lb2)
  assert.deepEqual(lb1.held.slice(-2), ['front flows 0', 'inner flows 0'])
  assert.deepEqual(lb1.codes(), [])
  assert.equal(lb1.sharing.status.sharing?.[0]?.state, 'current')

  cluster = fakeCluster(['lb1', 'lb2'])
  cluster.cut('lb1', 'lb2')
  const alone = new Node('lb1', cluster)
  await sweeps(49, alone)
  assert.ok(!alone.held.includes('front flows 0'))
  await sweeps(2, alone)
  assert.deepEqual(alone.held.slice(-2), ['front flows 0', 'inner flows 0'])
})

test('a node that is there and takes nothing is a problem after ten seconds, and none when it is cut off', async () => {
  const node = new Node('lb1', cluster)
  await sweeps(95, node)
  assert.deepEqual(node.codes(), [])
  await sweeps(15, node)
  assert.deepEqual(node.codes(), ['FLOWS_UNSHARED'])
  assert.match(node.sharing.problems()[0]!.message, /lb2 is not told of flows: .*does not answer replicate/)
  cluster.cut('lb1', 'lb2')
  await sweeps(1, node)
  assert.deepEqual(node.codes(), [])
})

test('the hash keys of the cluster are taken by a node that is active for nothing; one that is says that it has others', async () => {
  const node = new Node('lb1', cluster)
  node.clusterKeys = keys(100)
  node.active.add('front')
  await sweeps(1, node)
  assert.deepEqual(node.codes(), ['HASH_KEYS_OWN'])
  assert.deepEqual(node.packetPath.calls, [])
  node.active.clear()
  await sweeps(2, node)
  assert.deepEqual(node.packetPath.calls, ['rekey'])
  assert.deepEqual(node.codes(), [])
})

test('before a role moves by order the other node awaits records, whatever it is active for, until it has taken the role', async () => {
  const [lb1, lb2] = [new Node('lb1', cluster), new Node('lb2', cluster)]
  lb1.active.add('front')
  lb2.active.add('inner')
  await sweeps(5, lb1, lb2)
  assert.deepEqual([lb1.awaits, lb2.awaits], [false, false])
  await lb1.sharing.prepareChange(1_000)
  assert.deepEqual([lb1.awaits, lb2.awaits], [true, true])
  // flows are told for half a second, the next advert is missed, and a second is left to hear of the role
  await sweeps(24, lb2)
  assert.equal(lb2.awaits, true)
  await sweeps(1, lb2)
  assert.equal(lb2.awaits, false)
})

test('a node that is away, does not know how, or does not answer in time keeps no role from moving', async () => {
  const lb1 = new Node('lb1', cluster)
  await lb1.sharing.prepareChange(100)
  let asked = 0
  using _ = cluster.node('lb2').handle('roles/expect', () => {
    asked++
    return new Promise(() => undefined)
  })
  await lb1.sharing.prepareChange(100)
  cluster.cut('lb1', 'lb2')
  await lb1.sharing.prepareChange(100)
  assert.equal(asked, 1)
})
