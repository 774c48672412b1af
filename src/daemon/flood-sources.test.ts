import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { type Ip, parseIp4 } from '../base/addresses.ts'
import { formatPrefix } from '../base/prefix.ts'
import type { RecordedPacket } from '../engine/recorded.ts'
import { ether, ipv4, packet, tcp } from '../wire/packet.ts'
import { defendedWorld, file, orderedTexts, refuses } from './flood.fixture.ts'
import type { FloodCommand } from './flood-meaning.ts'

let world = defendedWorld()
beforeEach(() => {
  world = defendedWorld()
})
afterEach(() => world.kill())

const order = (command: FloodCommand) => world.flood!.order(command)
const texts = () => orderedTexts(world)

test('sources are allowed by hand, and let in alone while somebody is left', async () => {
  world.text = file('{ deny: 198.51.100.0/24 }')
  await world.start()
  const lists = () => {
    const { allow, deny, only } = world.packetPath.spec!.defence!
    return [allow.map(formatPrefix), deny.map(formatPrefix), only]
  }
  const only = (isOn: boolean, more = {}): FloodCommand => ({ kind: 'only', isOn, ...more })
  await refuses(
    order(only(true)),
    'FLOOD_ORDER_REFUSED',
    /nobody is allowed, so everybody would be dropped: first `tenbin flood allow 203\.0\.113\.0\/24`/,
  )
  await refuses(
    order({ kind: 'allow', sources: ['192.0.2.1', 'cdn'] }),
    'FLOOD_ORDER_INVALID',
    /"cdn" is no network/,
  )
  await refuses(order({ kind: 'allow', sources: ['::/0'] }), 'FLOOD_ORDER_INVALID', /is all of IPv6/)
  const sources = ['198.51.100.0/24', '203.0.113.0/24']
  const { generation } = world.packetPath
  const answer = await order({ kind: 'allow', sources })
  assert.deepEqual([answer.about, answer.notes], ['allow 198.51.100.0/24, allow 203.0.113.0/24', []])
  assert.deepEqual(lists(), [sources, [], false])
  assert.equal(world.packetPath.generation, generation + 1)
  const untilMs = world.now.getTime() + 60_000
  await order(only(true, { untilMs }))
  assert.deepEqual(lists(), [sources, [], true])
  assert.deepEqual(world.flood!.answer().only, {
    ...{ isOn: true, from: 'hand', until: new Date(untilMs).toISOString() },
  })
  await refuses(order({ kind: 'disallow', sources }), 'FLOOD_ORDER_REFUSED', /first `tenbin flood only off`/)
  await order({ kind: 'disallow', sources: sources.slice(0, 1) })
  assert.deepEqual(lists(), [['203.0.113.0/24'], ['198.51.100.0/24'], true])
  assert.deepEqual(texts(), [
    '198.51.100.0/24 allowed by hand, and 1 more likewise',
    `only who is allowed is let in, by hand until ${new Date(untilMs).toISOString()}`,
    'allow 198.51.100.0/24: what was said by hand is taken back',
  ])
  world.kill()
  await world.start()
  assert.deepEqual(lists(), [['203.0.113.0/24'], ['198.51.100.0/24'], true])
  world.pass(60_000)
  await world.settle()
  assert.deepEqual(lists(), [['203.0.113.0/24'], ['198.51.100.0/24'], false])
  assert.deepEqual(
    world.flood!.answer().allowed.map(({ source }) => source),
    ['203.0.113.0/24'],
  )
  assert.deepEqual(texts(), ['only: what was said by hand is taken back: its time is over'])
})

test('only as the file has it is nothing that is said by hand, and a family that it shuts is told', async () => {
  world.text = file('{ allow: 198.51.100.0/24, only: true }')
  await world.start()
  assert.deepEqual((await order({ kind: 'only', isOn: true })).notes, ['nothing is different'])
  await order({ kind: 'only', isOn: false })
  assert.equal(world.packetPath.spec!.defence!.only, false)
  const untilMs = world.now.getTime() + 1
  await refuses(
    order({ kind: 'only', isOn: true, untilMs }),
    'FLOOD_ORDER_INVALID',
    /the file has only on by itself: leave the end out/,
  )
  await order({ kind: 'only', isOn: true })
  assert.deepEqual([world.packetPath.spec!.defence!.only, world.flood!.orders.inForce], [true, []])
})

test('who is banned by the packet path is named once a packet of his was recorded, and released by unban', async () => {
  const client = ipv4({ source: '198.51.100.7', destination: '10.0.0.100' })
  const bytes = packet(ether(), client, tcp({ destination: 80 }))
  let recorded: RecordedPacket[] = []
  world.packetPath.recorder = {
    since: () => ({ packets: recorded.splice(0), cursor: [], lost: 0, more: false }),
    ...{ end: () => [], from: () => [], kept: { records: 0, bytes: 0 }, interfaces: [] },
    ...{ oldest: () => undefined, names: { service: [], server: [], interface: [] } },
  }
  const until = world.now.getTime() + 60_000
  const banned = new Set([parseIp4('198.51.100.7'), parseIp4('198.51.100.8')] as Ip[])
  const { defence } = world.packetPath
  world.packetPath.defence = {
    ...defence!,
    earned: {
      get count() {
        return banned.size
      },
      of: (address) =>
        banned.has(address) ? { source: { address, length: 32 }, since: until - 90_000, until } : undefined,
      release: ({ address }) => banned.delete(address),
    },
  }
  await world.start()
  const bans = () => {
    const { bans, unnamedBans } = world.flood!.answer()
    return [...bans.map(({ source, from, until }) => `${source} ${from} ${until}`), unnamedBans]
  }
  assert.deepEqual(bans(), [2])
  recorded = [
    {
      ...{ at: world.now.getTime(), bytes, length: bytes.length, direction: 'in', interface: 'eth0' },
      ...{ kind: 'dropped', outcome: 'banned', service: 'www' },
    },
  ]
  world.pass(1_000)
  assert.deepEqual(bans(), [`198.51.100.7 packets ${new Date(until).toISOString()}`, 1])
  const answer = await order({ kind: 'unban', source: '198.51.100.7' })
  assert.deepEqual([answer.changed, answer.notes], [true, []])
  assert.deepEqual(bans(), [1])
  // on the other nodes it is a word about a ban that is none
  const [word] = world.flood!.orders.words
  assert.deepEqual([word!.about, word!.order], ['ban 198.51.100.7', undefined])
  const heard = { about: 'ban 198.51.100.8', version: { count: 9, by: 'lb2' }, since: until }
  await world.flood!.orders.hear([heard], 'lb2')
  assert.deepEqual(bans(), [0])
})
