// One address set on a fake kernel and a clock of the test's: what it sends, holds and tells, step by step.

import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, mock, test } from 'node:test'
import { formatIp, parseIp } from '../base/addresses.ts'
import { formatRoute } from '../netlink/static-routes.ts'
import type { AddressSet } from './address-set.ts'
import { advertOf } from './compose.ts'
import { LINGER } from './linger.ts'
import { membersOf, routerOf } from './members.ts'
import { DOWN, folder, INTERVAL, SetWorld, US } from './set-world.fixture.ts'
import { setSpec } from './spec.fixture.ts'

after(() => rmSync(folder, { recursive: true, force: true }))

test('it begins as a backup, takes over when nobody is heard, and renews what it holds', () => {
  const world = new SetWorld()
  assert.equal(world.last, 'backup: startup')
  world.pass(DOWN - 1)
  assert.deepEqual([world.held, world.sent], [[], []])
  world.pass(1)
  assert.equal(world.last, 'active: silence')
  assert.deepEqual(world.held, ['10.0.0.100 2s'])
  assert.deepEqual(world.priorities, [100])
  assert.equal(world.announced.length, 1)
  world.network.removeAddress({ ifindex: world.link.index, address: parseIp('10.0.0.100'), prefix: 24 })
  world.pass(999)
  assert.deepEqual([world.held, world.sent.length], [[], 10])
  world.pass(1)
  assert.deepEqual([world.held, world.sent.length], [['10.0.0.100 2s'], 11])
})

test('an address that somebody takes away is there again at once, and told to neighbours', () => {
  const world = new SetWorld()
  world.pass(DOWN)
  const gone = { ifindex: world.link.index, address: parseIp('10.0.0.100'), prefix: 24 }
  world.network.removeAddress(gone)
  world.set.addressesGone()
  assert.deepEqual(world.held, ['10.0.0.100 2s'])
  assert.equal(world.announced.length, 2)
})

test('an address that was there before, and is taken away by who had it, is held from then on', () => {
  const world = new SetWorld()
  const theirs = { ifindex: world.link.index, address: parseIp('10.0.0.100'), prefix: 32 }
  world.network.addAddress({ ...theirs, protocol: 0 })
  world.pass(DOWN)
  assert.deepEqual([world.last, world.held], ['active: silence', []])
  world.network.removeAddress(theirs)
  world.set.addressesGone()
  assert.deepEqual(world.held, ['10.0.0.100 2s'])
  assert.equal(world.announced.length, 2)
  world.hear(200)
  world.set.addressesGone()
  assert.deepEqual([world.held, world.announced.length], [[], 2])
})

test('somebody with more right to it has it at once; the addresses stay for a moment, until his are there', () => {
  const world = new SetWorld()
  world.pass(DOWN)
  world.hear(200)
  assert.equal(world.last, 'backup: higher')
  assert.equal(world.set.status().active?.priority, 200)
  world.pass(LINGER.followedMs - 1)
  assert.equal(world.held.length, 1)
  world.hear(200)
  world.pass(1)
  assert.deepEqual([world.held, world.set.isLingering], [[], false])
})

test('by a virtual MAC, which the other one has already, nothing is held a moment longer', () => {
  const world = new SetWorld({ mac: 'virtual' })
  world.rtnlSays = { kind: 'held', unrouted: [] }
  world.pass(DOWN)
  assert.equal(world.last, 'active: silence')
  world.hear(200)
  assert.equal(world.set.isLingering, false)
  const other = new SetWorld({ mac: 'virtual' })
  other.rtnlSays = world.rtnlSays
  other.pass(DOWN)
  other.set.yieldRole('an operator', 10_000)
  assert.equal(other.set.isLingering, true)
  other.hear(50)
  assert.equal(other.set.isLingering, false)
})

test('who leaves in order and is not followed yet goes on holding what somebody takes away', () => {
  const world = new SetWorld()
  world.pass(DOWN)
  world.set.leave('it was told to')
  world.network.removeAddress({ ifindex: world.link.index, address: parseIp('10.0.0.100'), prefix: 24 })
  world.set.addressesGone()
  assert.equal(world.held.length, 1)
})

test('who leaves in order and fails meanwhile holds nothing any more', () => {
  for (const leave of [
    (set: AddressSet) => set.maintain(true),
    (set: AddressSet) => set.leave('it was told to'),
  ]) {
    const world = new SetWorld()
    world.pass(DOWN)
    leave(world.set)
    assert.equal(world.held.length, 1)
    world.network.changeLink(world.link.index, { isUp: false })
    world.set.networkChanged()
    assert.deepEqual([world.held, world.set.isLingering], [[], false])
  }
})

test('members that take over together ask for what they hold once', () => {
  const world = new SetWorld({}, {}, { network: { addresses: ['10.0.0.100/24', '2001:db8::100/64'] } })
  world.network.addAddress({
    ifindex: world.link.index,
    address: parseIp('fe80::2'),
    prefix: 64,
    protocol: 0,
  })
  world.set.networkChanged()
  const added = mock.method(world.network, 'addAddress')
  world.pass(DOWN)
  assert.equal(world.last, 'active: silence')
  assert.deepEqual([world.held.length, added.mock.callCount(), world.announced.length], [2, 2, 2])
})

test('who overslept has no address for a moment more', () => {
  const world = new SetWorld()
  world.pass(DOWN)
  world.now += 3 * INTERVAL
  world.hear(200)
  assert.ok(world.roles.some(({ why }) => why.name === 'overslept'))
  assert.deepEqual(world.held, [])
})

test('told to leave it sends priority 0, and holds the addresses until another node is heard', () => {
  const world = new SetWorld()
  world.pass(DOWN)
  world.set.leave('it was told to')
  assert.equal(world.priorities.at(-1), 0)
  assert.deepEqual([world.held.length, world.set.isLingering], [1, true])
  world.hear(0)
  assert.equal(world.set.isLingering, true)
  world.hear(50)
  world.pass(LINGER.followedMs - 1)
  assert.deepEqual([world.held.length, world.set.isLingering], [1, true])
  world.pass(1)
  assert.deepEqual([world.held, world.set.isLingering], [[], false])
  world.pass(DOWN)
  assert.equal(world.last, 'initialize: shutdown')
})

test('priority 0 that the kernel has no room for is sent when it has, while others still wait for silence', () => {
  for (const [waitMs, sent] of [
    [3 * INTERVAL, [0]],
    [3 * INTERVAL + 10, []],
  ] as const) {
    const world = new SetWorld()
    world.pass(DOWN)
    const { length } = world.sent
    world.room = 0
    world.set.yieldRole('an operator', 10_000)
    world.pass(waitMs - 1)
    world.room = Number.POSITIVE_INFINITY
    world.pass(6)
    assert.deepEqual(world.priorities.slice(length), sent)
    assert.equal(world.set.status().counters.unsent, 1)
  }
})

test('priority 0 that waits is not sent by a node that is active again', () => {
  const world = new SetWorld()
  world.pass(DOWN)
  world.room = 0
  world.set.yieldRole('an operator', 0)
  world.hear(0)
  world.pass(INTERVAL - 1)
  assert.equal(world.last, 'active: other-left')
  world.room = Number.POSITIVE_INFINITY
  world.pass(INTERVAL)
  assert.deepEqual(world.priorities.slice(1), [100])
})

test('of several peers those are sent an advert that there is room for, or a way to', () => {
  const peers = ['10.0.0.3', '10.0.0.4']
  const world = new SetWorld({}, {}, { network: { unicast: { self: ['10.0.0.2'], peers, minTtl: 255 } } })
  world.unreachable = parseIp('10.0.0.3')
  world.pass(DOWN)
  assert.deepEqual(
    world.sent.map(({ destination }) => formatIp(destination)),
    ['10.0.0.4'],
  )
})

test('announcements that the kernel has no room for follow, in order and once, for a second at most', () => {
  const world = new SetWorld({}, {}, { network: { addresses: ['10.0.0.100/24', '10.0.0.101/24'] } })
  // its advert, and one announcement
  world.room = 2
  world.pass(DOWN)
  assert.equal(world.announced.length, 1)
  world.room = Number.POSITIVE_INFINITY
  world.pass(5)
  assert.equal(world.announced.length, 2)
  assert.notDeepEqual(world.announced[0], world.announced[1])
  world.pass(4000)
  assert.equal(world.announced.length, 2)
  const other = new SetWorld()
  other.room = 1
  other.pass(DOWN)
  other.hear(200)
  other.room = Number.POSITIVE_INFINITY
  other.pass(10)
  assert.deepEqual(other.announced, [], 'somebody else has them by then')
})

test('where nobody takes over it holds them for its longest wait at most, an operator or not', () => {
  for (const leave of [
    (world: SetWorld) => world.set.leave('it was told to'),
    (world: SetWorld) => world.set.yieldRole('an operator', 1000),
    (world: SetWorld) => world.set.maintain(true),
  ]) {
    const world = new SetWorld()
    world.pass(DOWN)
    leave(world)
    world.pass(INTERVAL)
    assert.equal(world.held.length, 1)
    world.pass(INTERVAL)
    assert.deepEqual(world.held, [])
  }
})

test('a NIC that goes down takes role and addresses at once, and comes back as a backup', () => {
  const world = new SetWorld()
  world.pass(DOWN)
  world.network.changeLink(world.link.index, { isLowerUp: false })
  world.set.networkChanged()
  assert.equal(world.last, 'initialize: shutdown')
  assert.deepEqual(world.held, [])
  assert.deepEqual(
    world.set.status().faults.map(({ text }) => text),
    ['eth0 is down'],
  )
  world.network.changeLink(world.link.index, { isLowerUp: true })
  world.set.networkChanged()
  assert.equal(world.last, 'backup: startup')
})

test('three intervals without an advert that left are a fault, tried again a second later', () => {
  const world = new SetWorld()
  world.pass(DOWN)
  world.portFails = 'no way out'
  world.pass(3 * INTERVAL - 1)
  assert.equal(world.last, 'active: silence')
  world.pass(1)
  assert.equal(world.last, 'initialize: shutdown')
  assert.deepEqual(world.set.status().faults, [{ name: 'sending', text: 'no way out' }])
  world.portFails = undefined
  world.pass(1000)
  assert.equal(world.last, 'backup: startup')
})

test('addresses that cannot be taken are a fault, tried again later each time', () => {
  const world = new SetWorld()
  const { addAddress } = world.network
  world.network.addAddress = () => {
    throw new Error('no room')
  }
  world.pass(DOWN)
  assert.equal(world.last, 'initialize: shutdown')
  assert.equal(world.priorities.at(-1), 0)
  const starts = () => world.roles.filter(({ to }) => to === 'backup').length
  world.pass(1000)
  assert.equal(starts(), 2)
  world.pass(DOWN + 1999)
  assert.deepEqual([starts(), world.announced], [2, []])
  world.network.addAddress = addAddress
  world.pass(1)
  assert.equal(starts(), 3)
  world.pass(DOWN)
  assert.deepEqual([world.held.length, world.announced.length], [1, 1])
})

test('while the kernel does not answer adverts go on, until the addresses would be gone: that is a fault', () => {
  const world = new SetWorld()
  world.isRtnlStuck = true
  world.pass(DOWN + LINGER.followedMs - 1)
  assert.deepEqual([world.last, world.announced.length], ['active: silence', 0])
  world.pass(1)
  assert.equal(world.announced.length, 1)
  world.pass(1999 - LINGER.followedMs)
  assert.deepEqual([world.last, world.sent.length], ['active: silence', 20])
  world.pass(1)
  assert.equal(world.last, 'initialize: shutdown')
  assert.match(world.set.status().faults[0]!.text, /kernel did not answer for 2 s/)
  world.isRtnlStuck = false
  assert.deepEqual(world.held, [])
})

test('an order that waited for too long is not carried out, but given anew by who still wants it', () => {
  const world = new SetWorld()
  world.isRtnlStuck = true
  world.pass(DOWN + 1001)
  world.isRtnlStuck = false
  assert.deepEqual([world.held, world.announced.length], [['10.0.0.100 2s'], 1])
  const other = new SetWorld()
  other.isRtnlStuck = true
  other.pass(DOWN + 1001)
  other.hear(200)
  const added = mock.method(other.network, 'addAddress')
  other.isRtnlStuck = false
  assert.deepEqual([other.held, added.mock.callCount()], [[], 0])
})

test('a process that is late again and again holds nothing either: that is a fault, too', () => {
  const world = new SetWorld()
  world.pass(DOWN)
  world.rtnlSays = { kind: 'late' }
  for (let ms = 0; ms < 4000 && world.last === 'active: silence'; ms += 100) world.pass(100)
  assert.equal(world.last, 'initialize: shutdown')
  assert.match(world.set.status().faults[0]!.text, /kernel did not answer for 2 s/)
})

test('other addresses are taken and told while it is active, another prefix length alone too', () => {
  const world = new SetWorld()
  world.pass(DOWN)
  for (const [text, held] of [
    ['10.0.0.101/24', '10.0.0.101 2s'],
    ['10.0.0.101/32', '10.0.0.101 2s'],
  ] as const) {
    const { length } = world.announced
    world.set.change(setSpec({}, { addresses: [text] }), false)
    assert.deepEqual(world.held, [held])
    assert.equal(world.announced.length, length + 1)
  }
  assert.equal(world.roles.length, 2)
})

test('routes are made after the addresses, change while it is active, and go before them', () => {
  const world = new SetWorld()
  const { network, link } = world
  const one = { nic: 'eth0', to: '10.20.0.0/16', via: '10.0.0.1', source: '10.0.0.100' }
  const there = () => network.listStaticRoutes(link.index).map(formatRoute)
  world.set.change(setSpec({ routes: [one] }), false)
  assert.deepEqual(there(), [])
  world.pass(DOWN)
  assert.deepEqual([world.last, there()], ['active: silence', ['10.20.0.0/16 via 10.0.0.1']])
  assert.equal(world.set.status().unrouted, undefined)

  const other = { ...one, to: '0.0.0.0/0', metric: 5 }
  world.set.change(setSpec({ routes: [other, { ...one, via: '10.9.0.1' }] }), false)
  world.settle()
  assert.deepEqual(there(), ['default via 10.0.0.1 metric 5'])
  assert.deepEqual(world.set.status().unrouted, [
    '10.20.0.0/16 via 10.9.0.1: its gateway is not on this link',
  ])
  assert.equal(world.roles.length, 2)

  const told: string[] = []
  using _told = network.subscribe(['routes', 'addresses'], (events) =>
    told.push(...events.flatMap((event) => ('gone' in event && event.gone ? [event.kind] : []))),
  )
  world.hear(200)
  world.pass(LINGER.followedMs)
  network.deliver()
  assert.deepEqual([there(), world.held, world.set.status().unrouted], [[], [], undefined])
  assert.deepEqual(told, ['route', 'address', 'route'])
})

test('a key file that is removed, emptied or shortened changes no role, and is told; the next one that is whole counts', () => {
  for (const damage of [
    (file: string) => rmSync(file),
    (file: string) => writeFileSync(file, ''),
    (file: string) => writeFileSync(file, 'x'.repeat(31)),
  ]) {
    const file = join(folder, 'key')
    writeFileSync(file, 'x'.repeat(32))
    const world = new SetWorld({ auth: { kind: 'hmac', files: [file] } })
    world.pass(DOWN)
    damage(file)
    world.set.checkSecrets()
    world.pass(INTERVAL)
    assert.deepEqual([world.last, world.priorities], ['active: silence', [100, 100]])
    const { faults, unread } = world.set.status()
    assert.deepEqual(faults, [])
    assert.match(unread!, /^read .*key: /)
    writeFileSync(file, 'y'.repeat(32))
    world.set.checkSecrets()
    assert.equal(world.set.status().unread, undefined)
  }
})

test('a key that was never read is a fault, until it is read', () => {
  const [file, other] = [join(folder, 'key'), join(folder, 'other')]
  writeFileSync(file, '')
  const world = new SetWorld({ auth: { kind: 'hmac', files: [file] } })
  assert.match(world.set.status().faults[0]!.text, /^read .*key: it is empty$/)
  writeFileSync(file, 'x'.repeat(32))
  world.set.checkSecrets()
  assert.equal(world.last, 'backup: startup')
  // other nodes have the one that is wanted now, and would be active beside this one
  world.set.change(setSpec({ auth: { kind: 'hmac', files: [other] } }), false)
  assert.deepEqual([world.last, world.set.status().unread], ['initialize: shutdown', undefined])
})

test('a node that cannot count its start has no role before it can: it would be active without an advert', () => {
  const [file, counter] = [join(folder, 'key'), join(folder, 'blocked')]
  writeFileSync(file, 'x'.repeat(32))
  mkdirSync(counter)
  const world = new SetWorld({ auth: { kind: 'hmac', files: [file] } }, {}, { counter })
  world.pass(10 * DOWN)
  assert.deepEqual([world.roles, world.held, world.announced], [[], [], []])
  assert.match(world.set.status().faults[0]!.text, /^count a start in .*blocked: EISDIR$/)
  rmdirSync(counter)
  world.set.checkSecrets()
  rmSync(counter)
  world.pass(DOWN)
  assert.deepEqual([world.last, world.priorities], ['active: silence', [100]])
  assert.throws(() => readFileSync(counter), 'no advert touches it')
})

test('an owner is active at once; a set whose NIC has no address to speak from has no role', () => {
  assert.equal(new SetWorld({ priority: 255 }).last, 'active: owner')
  const world = new SetWorld()
  world.network.removeAddress({ ifindex: world.link.index, address: US, prefix: 24 })
  world.set.networkChanged()
  assert.match(world.set.status().faults[0]!.text, /eth0 has no IPv4 address of its own/)
  assert.equal(world.last, 'initialize: shutdown')
})

test('what is sent is what its spec says', () => {
  const world = new SetWorld()
  world.pass(DOWN)
  const [member] = membersOf(world.spec)
  const { addresses, ...advert } = advertOf(routerOf(world.spec, member!, 100, US), 100)
  assert.deepEqual(addresses.map(formatIp), ['10.0.0.100'])
  assert.deepEqual(advert, { version: 3, vrid: 51, priority: 100, maxAdverCs: 10 })
  assert.equal(formatIp(world.sent[0]!.source), '10.0.0.2')
})

test('a set whose other nodes are still to change waits for them, until it hears one', () => {
  const alone = new SetWorld({}, { patienceMs: 10_000 })
  alone.pass(9_999)
  assert.deepEqual([alone.last, alone.held], ['backup: startup', []])
  alone.pass(1)
  assert.equal(alone.last, 'active: silence')
  const heard = new SetWorld({}, { patienceMs: 10_000 })
  heard.pass(5_000)
  heard.hear(200)
  heard.pass(DOWN)
  assert.equal(heard.last, 'active: silence')
})

test('what comes after a set that was active is active at once, though it is another one, and nobody hears an end', () => {
  const before = new SetWorld()
  before.pass(DOWN)
  before.set.end(setSpec({}, { addresses: ['10.0.0.100/24', '10.0.0.101/24'] }))
  assert.deepEqual([before.last, before.held, before.priorities], ['initialize: shutdown', [], [100]])
  const tracked = {
    name: 'it',
    thing: { kind: 'file', path: '/x' },
    weight: 'fault',
    riseMs: 0,
    fallMs: 0,
  } as const
  const heir = new SetWorld({ track: [tracked] }, { was: 'active' })
  heir.settle()
  assert.deepEqual([heir.last, heir.held, heir.priorities], ['active: succeeded', ['10.0.0.100 2s'], [100]])
  heir.set.see('it', false, '/x is there')
  assert.equal(heir.last, 'initialize: shutdown')
})

test('a set of another VRID ends with priority 0, whatever comes after it', () => {
  const before = new SetWorld()
  before.pass(DOWN)
  before.set.end(setSpec({ vrid: 77 }))
  assert.deepEqual(before.priorities, [100, 0])
})

test('who cannot be active at once, or hears somebody else, begins as a backup', () => {
  const late = new SetWorld({}, { was: 'active' }, { isAbsent: true })
  assert.deepEqual(late.roles, [])
  late.pass(INTERVAL)
  late.appear()
  assert.equal(late.last, 'backup: startup')
  const heard = new SetWorld({}, { was: 'active' }, { isAbsent: true })
  heard.hear(90)
  heard.appear()
  assert.equal(heard.last, 'backup: startup')
})
