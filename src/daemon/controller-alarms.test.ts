import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeCluster } from '../cluster/fake-peers.ts'
import { VRRP_PROTOCOL } from '../vrrp/protocol.ts'
import { setTold } from './fake-vrrp.ts'
import { fileText, World } from './fake-world.ts'

interface Said {
  readonly sets: Record<string, { takeovers: { node: string }[]; alarmedAt: number }>
}

test('a set whose active nodes fail in turn is told once, and nobody preempts; what is of a whole set names no router', async () => {
  const cluster = fakeCluster(['lb1', 'lb2'])
  const world = new World()
  world.text = fileText({ set: ', vrid: 51, prefer: lb1, advert: 100ms' })
  world.peers = cluster.node('lb1')
  await world.start()
  world.vrrp.come()
  const told = (kind: string) => world.events!.latest().findLast((event) => event.kind === kind)
  const became = (to: 'active' | 'backup', name: string) =>
    world.vrrp.tell({
      ...{ v: VRRP_PROTOCOL, kind: 'role', set: 'front', from: 'backup', to, at: world.now.getTime() },
      why: { name, text: name },
    })
  became('active', 'silence')
  world.pass(60_000)
  const takeovers = [{ node: 'lb2', at: world.now.getTime(), isSilence: true }]
  cluster.node('lb2').publish('roles', {
    sets: { front: { role: 'active', since: 1, priority: 100, faults: [], takeovers } },
  })
  became('backup', 'higher')
  world.pass(60_000)
  became('active', 'silence')
  assert.match(
    told('role.flapping')!.text,
    /^front: its active node failed 2 times within 60 s: lb1, lb2, lb1;/,
  )
  assert.deepEqual(
    world.vrrp.said.findLast((each) => each.kind === 'hold'),
    { kind: 'hold', set: 'front', ms: 10 * 60_000 },
  )
  world.vrrp.tellSets([setTold('front', 'active', { since: world.now.getTime() })])
  const said = (JSON.parse(JSON.stringify(cluster.node('lb2').nodes()[0]!.parts.roles)) as Said).sets.front!
  assert.deepEqual(
    [said.takeovers.map(({ node }) => node), said.alarmedAt],
    [['lb1', 'lb2', 'lb1'], world.now.getTime()],
  )
  const find = (name: string) =>
    world.vrrp.tell({
      ...{
        v: VRRP_PROTOCOL,
        kind: 'finding',
        set: 'front',
        router: 'lan/4',
        name,
        text: `about ${name}`,
        left: 0,
        at: 0,
      },
    })
  find('flapping')
  assert.equal(world.events!.latest().filter(({ kind }) => kind === 'role.flapping').length, 1)
  find('unheard')
  const { severity, text, data } = told('role.unheard')!
  assert.deepEqual([severity, text, data], ['warning', 'front: about unheard', { name: 'unheard', left: 0 }])
})
