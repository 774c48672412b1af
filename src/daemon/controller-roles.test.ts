import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIp } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { type FakeCluster, fakeCluster } from '../cluster/fake-peers.ts'
import { VRRP_PROTOCOL } from '../vrrp/protocol.ts'
import { setTold } from './fake-vrrp.ts'
import { fileText, World } from './fake-world.ts'

const moving = (more = '') => fileText({ set: `, vrid: 51, prefer: lb1, advert: 100ms${more}` })

/** worldOf a node of lb1 and lb2, whose file has a set that moves; vrrp is there. */
async function worldOf(more = '', cluster?: FakeCluster): Promise<World> {
  const world = new World()
  world.text = moving(more)
  if (cluster) world.peers = cluster.node('lb1')
  await world.start()
  world.vrrp.come()
  return world
}

/** other: what lb2 says of itself. */
const says = (cluster: FakeCluster, role: 'backup' | 'active' | 'initialize', faults: string[] = []) =>
  cluster.node('lb2').publish('roles', { sets: { front: { role, since: 1, priority: 100, faults } } })

const told = (world: World, kind: string) => world.events!.latest().findLast((event) => event.kind === kind)
const refusal = (code: string, words: RegExp) => (error: unknown) =>
  error instanceof TenbinError && error.code === code && words.test(error.detail ?? '')

test('vrrp is told the sets that move, holds their addresses, and main adds none of them', async () => {
  const world = await worldOf()
  assert.ok(world.vrrp.isWanted)
  assert.deepEqual(
    world.vrrp.spec!.sets.map(({ name, priority, networks }) => [name, priority, networks[0]!.addresses]),
    [['front', 200, ['10.0.0.100/24']]],
  )
  assert.deepEqual(world.held, ['10.0.0.2/24 eth0'])
  // what vrrp adds stays, and what somebody takes from it is not main's to mend
  world.address('10.0.0.100/24', world.eth0, 116)
  await world.controller.tick()
  assert.ok(world.held.includes('10.0.0.100/24 eth0'))
})

test('a file without sets that move has no vrrp, and ends one that an earlier daemon left', async () => {
  const world = new World()
  await world.start()
  assert.ok(!world.vrrp.isWanted && world.vrrp.ended === 1)
  const { sets, vrrp } = await world.controller.status()
  assert.equal(vrrp, undefined)
  assert.deepEqual(
    sets.map(({ name, role, active, failover }) => [name, role, active, failover]),
    [['front', 'active', 'lb1', undefined]],
  )
})

test('an address that main held goes before vrrp is told of it, and comes back when its set moves no more', async () => {
  const world = new World()
  await world.start()
  assert.ok(world.held.includes('10.0.0.100/24 eth0'))
  world.text = moving()
  await world.controller.reload('test')
  assert.ok(!world.held.includes('10.0.0.100/24 eth0'))
  assert.equal(world.record.addresses.length, 0)
  world.text = fileText()
  await world.controller.reload('test')
  assert.ok(world.held.includes('10.0.0.100/24 eth0'))
})

test('a set that no longer moves has no hold when it moves again', async () => {
  const world = await worldOf()
  world.vrrp.tellSets([setTold('front', 'active')])
  const moved = world.orders!.failover({ set: 'front' })
  world.vrrp.tellSets([setTold('front', 'backup', { active: { from: '10.0.0.3', priority: 100, at: 0 } })])
  await moved
  world.text = fileText()
  await world.controller.reload('test')
  assert.equal(world.vrrp.ended, 1)
  world.text = moving()
  await world.controller.reload('test')
  assert.deepEqual(world.vrrp.said.at(-1), { kind: 'hold', set: 'front', ms: 0 })
})

test('roles are what vrrp says, with the active node by its name, and are events with their cause', async () => {
  const world = await worldOf()
  const changes: string[] = []
  const { roles } = world
  using _ = roles.onChange((set) => changes.push(`${set} ${roles.of(set)!.role} ${roles.of(set)!.active}`))
  world.vrrp.tellSets([setTold('front', 'backup', { active: { from: '10.0.0.3', priority: 100, at: 0 } })])
  world.vrrp.tell({
    ...{ v: VRRP_PROTOCOL, kind: 'role', set: 'front', from: 'backup', to: 'active', at: 2000 },
    why: { name: 'silence', text: 'nobody active was heard any more' },
  })
  world.vrrp.tellSets([setTold('front', 'active')])
  assert.deepEqual(changes, ['front backup lb2', 'front active lb1'])
  assert.ok(roles.isActive())
  const event = told(world, 'role.changed')!
  assert.deepEqual(
    [event.severity, event.set, event.services, event.text],
    ['warning', 'front', ['www'], 'front: this node is active: nobody active was heard any more'],
  )
})

test('findings are events as grave as what they can lead to', async () => {
  const world = await worldOf()
  const find = (name: string) =>
    world.vrrp.tell({
      ...{ v: VRRP_PROTOCOL, kind: 'finding', set: 'front', router: 'lan/4', name, text: `about ${name}` },
      ...{ from: '10.0.0.3', left: 2, at: 0 },
    })
  for (const name of ['conflict', 'flapping', 'vrid-clash', 'interval-differs', 'trailer-old-boot', 'ttl'])
    find(name)
  const kinds = world
    .events!.latest()
    .slice(-6)
    .map(({ kind, severity }) => `${kind} ${severity}`)
  assert.deepEqual(kinds, [
    'role.conflict warning',
    'role.flapping error',
    'vrrp.odd error',
    'vrrp.odd warning',
    'vrrp.refused error',
    'vrrp.refused warning',
  ])
  assert.equal(
    told(world, 'role.conflict')!.text,
    'front, lan/4: about conflict (lb2, 10.0.0.3); 2 more like it were not told',
  )
})

test('secrets that cannot be read any more, and routes that cannot be made, are problems, and no faults', async () => {
  const world = await worldOf()
  const unrouted = ['default via 10.0.0.1: its gateway is not on this link']
  world.vrrp.tellSets([setTold('front', 'active', { unread: 'read /etc/key: ENOENT', unrouted })])
  await world.controller.tick()
  assert.deepEqual(await world.problemCodes(), ['VRRP_SECRET_INVALID', 'ROUTE_REFUSED'])
})

test('failover gives the role to the node that says it can take it, and tells who has it', async () => {
  const cluster = fakeCluster(['lb1', 'lb2'])
  const world = await worldOf('', cluster)
  world.vrrp.tellSets([setTold('front', 'active', { priority: 200 })])
  says(cluster, 'backup')
  const moved = world.orders!.failover({ set: 'front', to: 'lb2', holdMs: 5000 })
  // flows are told first
  await new Promise<void>((done) => setImmediate(done))
  assert.deepEqual(
    world.vrrp.said.filter((each) => each.kind === 'order' && each.order === 'yield'),
    [{ kind: 'order', set: 'front', order: 'yield', holdMs: 5000 }],
  )
  world.vrrp.tellSets([setTold('front', 'backup')])
  world.vrrp.tellSets([setTold('front', 'backup', { active: { from: '10.0.0.3', priority: 100, at: 0 } })])
  assert.deepEqual(await moved, {
    sets: [{ set: 'front', from: 'lb1', to: 'lb2', changed: true }],
    notes: [],
  })
  assert.equal(told(world, 'role.ordered')!.text, 'front: an operator has it moved to lb2')
  // and the hold outlives the daemon
  const until = world.now.getTime() + 5000
  assert.deepEqual(world.saidOfRoles, { heldUntil: { front: until } })
  world.vrrp.come()
  assert.deepEqual(world.vrrp.said.at(-1), { kind: 'hold', set: 'front', ms: 5000 })
})

test('flows are told, and expected, before a role goes by whatever order, and again when it has gone', async () => {
  const orders = {
    failover: (world: World) => world.orders!.failover({ set: 'front' }),
    maintenance: (world: World) => world.orders!.maintain(true, false),
    stop: (world: World) => world.orders!.handOver(),
  }
  for (const [name, order] of Object.entries(orders)) {
    const cluster = fakeCluster(['lb1', 'lb2'])
    const world = await worldOf('', cluster)
    world.vrrp.tellSets([setTold('front', 'active')])
    says(cluster, 'backup')
    const given = () =>
      world.vrrp.said.filter((each) => each.kind === 'order' && each.order !== 'resume').length
    const told: number[][] = []
    world.onTellFlows = (advertMs) => void told.push([advertMs, given()])
    const done = order(world)
    while (given() === 0) await new Promise(setImmediate)
    world.vrrp.tellSets([setTold('front', 'backup', { active: { from: '10.0.0.3', priority: 100, at: 0 } })])
    await done
    assert.deepEqual(
      told,
      [
        [100, 0],
        [100, 1],
      ],
      name,
    )
  }
})

test('failover is refused where nobody could take the role, and asked of the node that has it', async () => {
  const cluster = fakeCluster(['lb1', 'lb2'])
  const world = await worldOf('', cluster)
  const order = (to?: string) => world.orders!.failover({ set: 'front', to })
  world.vrrp.tellSets([setTold('front', 'active')])
  says(cluster, 'backup', ['link:eth0'])
  await assert.rejects(order(), refusal('ROLE_REFUSED', /^nobody could take it: lb2 has link:eth0$/))
  says(cluster, 'initialize')
  await assert.rejects(order(), refusal('ROLE_REFUSED', /lb2 is initialize/))
  await assert.rejects(order('lb9'), refusal('PEER_UNKNOWN', /no node lb9: there are lb1, lb2/))
  await assert.rejects(world.orders!.failover({ set: 'frnt' }), refusal('SET_UNKNOWN', /it has front/))
  assert.deepEqual(await order('lb1'), {
    sets: [{ set: 'front', from: 'lb1', to: 'lb1', changed: false }],
    notes: ['front: lb1 is active already'],
  })
  // lb2 is active: it is asked
  world.vrrp.tellSets([setTold('front', 'backup', { active: { from: '10.0.0.3', priority: 1, at: 0 } })])
  const asked: unknown[] = []
  const answer = { sets: [{ set: 'front', from: 'lb2', to: 'lb1', changed: true }], notes: [] }
  using _ = cluster.node('lb2').handle('roles/failover', async (from, body) => {
    asked.push([from, JSON.parse(Buffer.from(body).toString())])
    return Buffer.from(JSON.stringify(answer))
  })
  assert.deepEqual(await order('lb1'), answer)
  assert.deepEqual(asked, [['lb1', { set: 'front', to: 'lb1' }]])
  cluster.cut('lb1', 'lb2')
  await assert.rejects(order(), refusal('ROLE_REFUSED', /lb2 is active, and cannot be asked from here/))
  world.vrrp.vanish()
  await assert.rejects(order(), refusal('ROLE_REFUSED', /the vrrp process is not there/))
})

test('of three nodes the one that is named is active: who goes before it is asked to leave it the role first', async () => {
  const cluster = fakeCluster(['lb1', 'lb2', 'lb3'])
  const world = await worldOf('', cluster)
  world.vrrp.tellSets([setTold('front', 'active')])
  const backup = (node: string, priority: number, faults: string[] = []) =>
    cluster.node(node).publish('roles', { sets: { front: { role: 'backup', since: 1, priority, faults } } })
  backup('lb2', 100)
  backup('lb3', 99, ['link:eth0'])
  const order = () => world.orders!.failover({ set: 'front', to: 'lb3', holdMs: 5000 })
  await assert.rejects(order(), refusal('ROLE_REFUSED', /^lb3 has link:eth0$/))
  backup('lb3', 99)
  // lb2 does not know how: nothing has moved
  await assert.rejects(order(), { code: 'PEER_FAILED' })
  const yielded = () => world.vrrp.said.filter((each) => each.kind === 'order' && each.order === 'yield')
  assert.deepEqual(yielded(), [])
  const asked: unknown[] = []
  using _ = cluster.node('lb2').handle('roles/defer', async (from, body) => {
    asked.push([from, JSON.parse(Buffer.from(body).toString()), yielded().length])
    return Buffer.from('{"kept":true}')
  })
  const moved = order()
  while (yielded().length === 0) await new Promise(setImmediate)
  world.vrrp.tellSets([setTold('front', 'backup', { active: { from: '10.0.0.4', priority: 99, at: 0 } })])
  assert.equal((await moved).sets[0]!.changed, true)
  assert.deepEqual(asked, [['lb1', { set: 'front', deferMs: 2400, holdMs: 5000 }, 0]])
  assert.equal(told(world, 'role.ordered')!.text, 'front: an operator has it moved to lb3')
})

test('asked to leave a role to another node this one does for a while, and holds as the one that gives it up', async () => {
  const cluster = fakeCluster(['lb1', 'lb2', 'lb3'])
  const world = await worldOf('', cluster)
  world.vrrp.tellSets([setTold('front', 'backup')])
  const ask = (set: string) =>
    cluster
      .node('lb2')
      .request('lb1', 'roles/defer', Buffer.from(JSON.stringify({ set, deferMs: 2400, holdMs: 5000 })), 1000)
  assert.deepEqual(JSON.parse(Buffer.from(await ask('front')).toString()), { kept: true })
  assert.deepEqual(world.vrrp.said.slice(-3), [
    { kind: 'order', set: 'front', order: 'defer', holdMs: 2400 },
    { kind: 'order', set: 'front', order: 'yield', holdMs: 5000 },
    { kind: 'hold', set: 'front', ms: 5000 },
  ])
  await assert.rejects(ask('back'), { code: 'SET_UNKNOWN' })
})

test('maintenance gives all roles up, takes none, and holds over restarts until it is over', async () => {
  const cluster = fakeCluster(['lb1', 'lb2'])
  const world = await worldOf('', cluster)
  world.vrrp.tellSets([setTold('front', 'active')])
  says(cluster, 'active')
  await assert.rejects(
    world.orders!.maintain(true, false),
    refusal('ROLE_REFUSED', /nobody could take front: lb2 is active; --force/),
  )
  says(cluster, 'backup')
  const done = world.orders!.maintain(true, false)
  world.vrrp.tellSets([setTold('front', 'initialize')])
  assert.deepEqual(await done, {
    ...{ on: true, changed: true, kept: true, notes: [] },
    sets: [{ set: 'front', role: 'initialize' }],
  })
  world.kill()
  await world.start()
  world.vrrp.come()
  const [first, second] = world.vrrp.said
  assert.deepEqual(first, { kind: 'order', set: 'front', order: 'maintenance', holdMs: 0 })
  assert.equal(second!.kind, 'spec')
  assert.ok((await world.controller.status()).maintenance)
  const over = await world.orders!.maintain(false, false)
  assert.ok(over.changed)
  assert.deepEqual(world.vrrp.said.at(-1), { kind: 'order', set: 'front', order: 'resume', holdMs: 0 })
  assert.equal((await world.orders!.maintain(false, false)).changed, false)
})

test('a daemon that stops hands over to a node that can take it, and to no other', async () => {
  const cluster = fakeCluster(['lb1', 'lb2'])
  const world = await worldOf('', cluster)
  world.vrrp.tellSets([setTold('front', 'active')])
  says(cluster, 'backup', ['packet-path'])
  assert.deepEqual(await world.orders!.handOver(), [])
  says(cluster, 'backup')
  const done = world.orders!.handOver()
  world.vrrp.tellSets([setTold('front', 'backup')])
  assert.deepEqual(await done, ['front'])
  // a daemon that comes back takes it back by the file's rules
  world.vrrp.come()
  assert.deepEqual(world.vrrp.said.at(-1), { kind: 'hold', set: 'front', ms: 0 })
})

test('of several sets those that can move do, and of the others the answer says why not', async () => {
  const cluster = fakeCluster(['lb1', 'lb2'])
  const world = await worldOf(' }, other: { on: lan, ips: [10.0.0.101/24], vrid: 52, advert: 100ms', cluster)
  world.vrrp.tellSets([setTold('front', 'active'), setTold('other', 'active')])
  const peer = (faults: string[]) => ({ role: 'backup', since: 1, priority: 100, faults })
  cluster.node('lb2').publish('roles', { sets: { front: peer([]), other: peer(['nic:eth0']) } })
  const done = world.orders!.failover({})
  const lb2 = { active: { from: '10.0.0.3', priority: 100, at: 0 } }
  world.vrrp.tellSets([setTold('front', 'backup', lb2), setTold('other', 'active')])
  const { sets, notes } = await done
  assert.deepEqual(sets, [
    { set: 'front', from: 'lb1', to: 'lb2', changed: true },
    { set: 'other', changed: false },
  ])
  assert.match(notes.join(), /^other: .*nobody could take it: lb2 has nic:eth0$/)
  cluster.node('lb2').publish('roles', { sets: { front: peer(['x']), other: peer(['x']) } })
  world.vrrp.tellSets([setTold('front', 'active'), setTold('other', 'active')])
  await assert.rejects(world.orders!.failover({}), refusal('ROLE_REFUSED', /nobody could take it/))
})

test('two active nodes are told by each, once, when it has lasted longer than a takeover', async () => {
  const cluster = fakeCluster(['lb1', 'lb2'])
  const world = await worldOf('', cluster)
  world.vrrp.tellSets([setTold('front', 'active')])
  says(cluster, 'active')
  await world.controller.tick()
  assert.ok(!(await world.problemCodes()).includes('SPLIT_BRAIN'))
  world.pass(4000)
  await world.controller.tick()
  assert.ok(!(await world.problemCodes()).includes('SPLIT_BRAIN'))
  world.pass(4000)
  await world.controller.tick()
  assert.ok((await world.problemCodes()).includes('SPLIT_BRAIN'))
  await world.controller.tick()
  const splits = () => world.events!.latest().filter(({ kind }) => kind === 'role.split')
  assert.deepEqual(
    splits().map(({ severity }) => severity),
    ['error'],
  )
  says(cluster, 'backup')
  await world.controller.tick()
  assert.deepEqual(
    splits().map(({ severity }) => severity),
    ['error', 'notice'],
  )
  assert.ok(!(await world.problemCodes()).includes('SPLIT_BRAIN'))
})

test('two active nodes are told with what was noticed of the other one, for two minutes', async () => {
  const cluster = fakeCluster(['lb1', 'lb2'])
  const world = await worldOf('', cluster)
  world.vrrp.tellSets([setTold('front', 'active')])
  cluster.node('lb2').publish('roles', {
    sets: { front: { role: 'active', since: 1, priority: 100, faults: [], from: ['10.0.0.3'] } },
  })
  const find = (name: string, from: string) =>
    world.vrrp.tell({
      ...{ v: VRRP_PROTOCOL, kind: 'finding', set: 'front', router: 'lan/4', name, text: `about ${name}` },
      ...{ from, left: 0, at: 0 },
    })
  const after = async (ms: number): Promise<string | undefined> => {
    for (let passed = 0; passed < ms; passed += 4000) {
      world.pass(4000)
      await world.controller.tick()
    }
    const { problems } = await world.controller.status()
    return problems.find(({ code }) => code === 'SPLIT_BRAIN')?.message
  }
  await world.controller.tick()
  find('password', '10.0.0.9')
  find('addresses-differ', '10.0.0.3')
  assert.match((await after(8000))!, /adverts of one do not reach the other$/)
  find('trailer-old-boot', '10.0.0.3')
  assert.match((await after(4000))!, /lb2 .*: this node refuses its adverts: about trailer-old-boot$/)
  find('conflict', '10.0.0.3')
  assert.match((await after(4000))!, /its adverts arrive; those of this node do not/)
  assert.match((await after(120_000))!, /adverts of one do not reach the other$/)
})

test('what was said before a pause of main is no sign of two active nodes until it has lasted after that', async () => {
  const cluster = fakeCluster(['lb1', 'lb2'])
  const world = await worldOf('', cluster)
  world.vrrp.tellSets([setTold('front', 'active')])
  says(cluster, 'active')
  await world.controller.tick()
  world.pass(60_000)
  await world.controller.tick()
  assert.ok(!(await world.problemCodes()).includes('SPLIT_BRAIN'))
  world.pass(4000)
  await world.controller.tick()
  assert.ok(!(await world.problemCodes()).includes('SPLIT_BRAIN'))
  world.pass(4000)
  await world.controller.tick()
  assert.ok((await world.problemCodes()).includes('SPLIT_BRAIN'))
})

test('a node whose vrrp is gone is not active beside the one that took over, whatever was said last', async () => {
  const cluster = fakeCluster(['lb1', 'lb2'])
  const world = await worldOf('', cluster)
  world.vrrp.tellSets([setTold('front', 'active')])
  world.vrrp.end('SIGKILL')
  says(cluster, 'active')
  for (let seconds = 0; seconds < 16; seconds += 4) {
    await world.controller.tick()
    world.pass(4000)
  }
  const codes = await world.problemCodes()
  assert.deepEqual([codes.includes('SPLIT_BRAIN'), codes.includes('VRRP_ABSENT')], [false, true])
  assert.ok(!world.events!.latest().some(({ kind }) => kind === 'role.split'))
})

test('the role of a vrrp that is gone counts as long as its addresses are there, and is lost with them', async () => {
  const world = await worldOf()
  world.vrrp.tellSets([setTold('front', 'active')])
  const address = { ifindex: world.eth0.index, address: parseIp('10.0.0.100'), prefix: 24 }
  world.network.addAddress(address)
  world.vrrp.end('SIGKILL')
  const roleAfter = async (ms: number) => {
    world.pass(ms)
    world.controller.sweep()
    return (await world.controller.status()).sets[0]!.role
  }
  assert.deepEqual([await roleAfter(1000), world.roles.isActive()], ['active', true])
  world.network.removeAddress(address)
  assert.deepEqual([await roleAfter(1000), world.roles.isActive()], ['initialize', false])
  world.vrrp.come()
  world.vrrp.tellSets([setTold('front', 'active')])
  assert.equal(await roleAfter(1000), 'active')
})

test('a set that tracks a service follows its quorum, and is told again to a vrrp that comes back', async () => {
  const world = new World()
  const check = '{ tcp: {}, every: 2s }'
  world.text = fileText({ check, set: ', vrid: 51, track: [{ service: www }]' })
  await world.start()
  world.vrrp.come()
  const tracked = () =>
    world.vrrp.said.flatMap((each) => (each.kind === 'tracked' ? [[each.name, each.isUp]] : []))
  assert.deepEqual(tracked(), [])
  for (const host of [11, 12]) world.checker.see(`10.0.0.${host}`, 'up')
  world.pass(100)
  assert.deepEqual(tracked(), [['service:www', true]])
  for (const host of [11, 12]) world.checker.see(`10.0.0.${host}`, 'down')
  world.pass(120_000)
  world.pass(100)
  assert.deepEqual(tracked().at(-1), ['service:www', true], 'the guard does not believe that all failed')
  world.vrrp.come()
  assert.deepEqual(tracked(), [['service:www', true]])
})

test('a vrrp that is not there, or ends again and again, is a problem; so are faults; what it lacks is told', async () => {
  const world = await worldOf()
  world.vrrp.tellSets(
    [setTold('front', 'initialize', { faults: [{ name: 'packet-path', text: 'no program on eth0' }] })],
    ['no locked memory'],
  )
  await world.controller.tick()
  assert.deepEqual(await world.problemCodes(), ['ROLE_FAULT'])
  assert.equal(told(world, 'vrrp.process')!.text, 'the vrrp process has no locked memory')
  for (let at = 0; at < 5; at++) {
    world.vrrp.end('SIGKILL')
    world.pass(1000)
    if (at < 4) world.vrrp.come()
  }
  world.pass(11_000)
  await world.controller.tick()
  const codes = await world.problemCodes()
  assert.ok(codes.includes('VRRP_ABSENT') && codes.includes('VRRP_CRASHES'), codes.join())
  const { vrrp } = await world.controller.status()
  assert.deepEqual([vrrp!.state, vrrp!.ends, vrrp!.isCrashLoop], ['absent', 5, true])
})

test('whose adverts come from an address that the file does not have is who says so of itself', async () => {
  const cluster = fakeCluster(['lb1', 'lb2'])
  const world = await worldOf('', cluster)
  const hear = () =>
    world.vrrp.tellSets([setTold('front', 'backup', { active: { from: '10.9.9.3', priority: 100, at: 1 } })])
  const activeOf = async () => (await world.controller.status()).sets[0]!.active
  hear()
  assert.equal(await activeOf(), '10.9.9.3')
  cluster.node('lb2').publish('roles', {
    sets: { front: { role: 'active', since: 1, priority: 100, faults: [], from: ['10.0.0.3', '10.9.9.3'] } },
  })
  hear()
  assert.equal(await activeOf(), 'lb2')
})
