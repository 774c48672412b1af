import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import { formatPrefix } from '../base/prefix.ts'
import { layoutOf } from '../dataplane/fill.ts'
import { fixedKeys, goldenShapes } from '../dataplane/golden-shapes.ts'
import { mapSizes } from '../dataplane/memory.ts'
import type { Shape } from '../dataplane/shape.ts'
import type { RecordedPacket } from '../engine/recorded.ts'
import { ether, ipv4, packet, tcp } from '../wire/packet.ts'
import { defendedWorld, file, orderedTexts, refuses } from './flood.fixture.ts'
import type { FloodCommand } from './flood-meaning.ts'
import { floodStore } from './flood-store.ts'

let world = defendedWorld()
beforeEach(() => {
  world = defendedWorld()
})
afterEach(() => world.kill())

const order = (command: FloodCommand) => world.flood!.order(command)
const rules = () => world.packetPath.spec!.defence!.rules.map(({ name, action }) => `${name} ${action}`)
const add = (
  name: string,
  rule: Extract<FloodCommand, { kind: 'add' }>['rule'],
  more = {},
): FloodCommand => ({
  ...{ kind: 'add', name, rule, isObserved: false },
  ...more,
})
const texts = () => orderedTexts(world)

test('a rule that is added is in the packet path after those of the file, until it is removed', async () => {
  await world.start()
  assert.deepEqual(rules(), ['night drop', 'bare-syn count'])
  const answer = await order(add('odd', { tcp: 'syn', window: 1024, action: 'drop' }))
  assert.deepEqual(answer, {
    ...{ about: 'rule odd', changed: true, kept: true },
    notes: ['no normal traffic is known yet to check it with: observe it first'],
  })
  assert.deepEqual(rules(), ['night drop', 'bare-syn count', 'odd drop'])
  const observed = await order(add('odd', { tcp: 'syn', window: 1024, action: 'drop' }, { isObserved: true }))
  assert.deepEqual(observed.notes, ['no normal traffic is known yet to check it with'])
  assert.deepEqual(rules(), ['night drop', 'bare-syn count', 'odd count'])
  await order({ kind: 'remove', name: 'odd' })
  assert.deepEqual(rules(), ['night drop', 'bare-syn count'])
  assert.deepEqual(texts(), [
    'rule odd added by hand: drop',
    'rule odd added by hand: observes',
    'rule odd: what was said by hand is taken back',
  ])
})

test('a rule of the file, or one that ships, gets another action by hand, and its own again', async () => {
  await world.start()
  await order(add('night', { action: 'count' }))
  await order(add('bare-syn', { action: 'drop' }))
  assert.deepEqual(rules(), ['night count', 'bare-syn drop'])
  await order({ kind: 'remove', name: 'night' })
  await order({ kind: 'remove', name: 'bare-syn' })
  assert.deepEqual(rules(), ['night drop', 'bare-syn count'])
})

test('a rule by hand loses what the file loses, and is a problem when nothing is left of it', async () => {
  await world.start()
  await order(add('odd', { ttl: 7, services: ['www', 'dns'], action: 'drop' }))
  const of = () => world.packetPath.spec!.defence!.rules.find(({ name }) => name === 'odd')?.services
  const all = world.text
  world.text = all.replace(/ {2}dns.*\n/, '')
  await world.controller.reload('test')
  assert.deepEqual(of(), ['www'])
  assert.deepEqual(await world.problemCodes(), [])
  world.text = all.replace(/ {2}dns.*\n/, '').replace('www:', 'web:')
  await world.controller.reload('test')
  assert.equal(of(), undefined)
  const { problems } = await world.controller.status()
  assert.deepEqual(
    problems.map(({ code, message }) => [code, message]),
    [['FLOOD_ORDER_IDLE', 'rule odd by hand has no effect: there is no service www, dns any more']],
  )
  world.text = all
  await world.controller.reload('test')
  assert.deepEqual(of(), ['www', 'dns'])
  assert.deepEqual(await world.problemCodes(), [])
})

test('rules are at most so many, one that ships among them as soon as it is given an action', async () => {
  const many = Array.from({ length: 63 }, (_, i) => `r${i}: { ttl: ${i} }`).join(', ')
  world.text = file(`{ rules: { bare-syn: off, ${many} } }`)
  await world.start()
  await order(add('bare-syn', { action: 'drop' }))
  assert.equal(rules().at(-1), 'bare-syn drop')
  await refuses(order(add('odd', { ttl: 99 })), 'FLOOD_ORDER_REFUSED', /there are 64 rules/)
  await order(add('bare-syn', { action: 'count' }))
  await order({ kind: 'remove', name: 'bare-syn' })
  await order(add('odd', { ttl: 99 }))
  await refuses(order(add('bare-syn', { action: 'drop' })), 'FLOOD_ORDER_REFUSED', /there are 64 rules/)
})

test('a rule by hand gets another action and keeps what it matches, and its end unless another one is given', async () => {
  await world.start()
  const untilMs = world.now.getTime() + 60_000
  await order(add('odd', { tcp: 'syn', window: 1024, record: true }, { isObserved: true, untilMs }))
  const { until } = await order(add('odd', { action: 'drop' }))
  assert.equal(until, new Date(untilMs).toISOString())
  assert.deepEqual(rules(), ['night drop', 'bare-syn count', 'odd drop'])
  await order(add('odd', { action: { limit: '9/s' } }, { untilMs: untilMs + 1 }))
  const { match, perSecond, record } = world.packetPath.spec!.defence!.rules.at(-1)!
  assert.deepEqual([match.window, perSecond, record], [{ first: 1024, last: 1024 }, 9, true])
  const observed = await order(add('odd', {}, { isObserved: true }))
  assert.equal(observed.until, new Date(untilMs + 1).toISOString())
  assert.deepEqual(rules(), ['night drop', 'bare-syn count', 'odd count'])
  await order(add('most', { tcp: 'syn' }))
  await refuses(
    order(add('most', { action: 'drop' })),
    'FLOOD_ORDER_INVALID',
    /what every connection consists of/,
  )
  await refuses(order(add('odd', {})), 'FLOOD_ORDER_INVALID', /says nothing of what it matches/)
  await refuses(
    order(add('new', { action: 'drop' })),
    'FLOOD_ORDER_INVALID',
    /says nothing of what it matches/,
  )
})

test('a rule of the file, or one that ships, is checked with normal traffic before it drops', async () => {
  await world.start()
  const unchecked = ['no normal traffic is known yet to check it with: observe it first']
  assert.deepEqual((await order(add('bare-syn', { action: 'drop' }))).notes, unchecked)
  assert.deepEqual((await order(add('night', { action: 'drop' }))).notes, unchecked)
  assert.deepEqual((await order(add('night', { action: 'count' }))).notes, [])
})

test('what is said holds over a reload and a restart, and is over when its time is', async () => {
  await world.start()
  const untilMs = world.now.getTime() + 60_000
  await order(add('odd', { tcp: 'syn', window: 1024, action: 'drop' }, { untilMs }))
  await order({ kind: 'ban', source: '203.0.113.0/24', untilMs })
  await world.controller.reload('test')
  assert.deepEqual(rules(), ['night drop', 'bare-syn count', 'odd drop'])
  world.kill()
  await world.start()
  assert.deepEqual(rules(), ['night drop', 'bare-syn count', 'odd drop'])
  assert.deepEqual(
    world.live!.bans.map(({ prefix, until }) => [formatPrefix(prefix), until]),
    [['203.0.113.0/24', untilMs]],
  )
  world.pass(60_000)
  await world.settle()
  assert.deepEqual(rules(), ['night drop', 'bare-syn count'])
  assert.deepEqual(world.live!.bans, [])
  assert.match(
    texts().at(-1)!,
    /^(rule odd|ban 203.0.113.0\/24): what was said by hand is taken back: its time is over$/,
  )
})

test('bans and proof by hand change no program', async () => {
  await world.start()
  const { generation } = world.packetPath
  await order({ kind: 'ban', source: '2001:db8:7::/48' })
  await order({ kind: 'proof', mode: 'on', service: 'www' })
  assert.equal(world.packetPath.generation, generation)
  assert.deepEqual(
    world.live!.bans.map(({ prefix }) => formatPrefix(prefix)),
    ['2001:db8:7::/48'],
  )
  assert.deepEqual(
    [...world.live!.services],
    [
      ['www', { proof: 'on' }],
      ['dns', { proof: 'auto' }],
    ],
  )
  await order({ kind: 'proof', mode: 'off' })
  assert.deepEqual(
    [...world.live!.services],
    [
      ['www', { proof: 'on' }],
      ['dns', { proof: 'off' }],
    ],
  )
  await order({ kind: 'unban', source: '2001:db8:7::/48' })
  assert.deepEqual(world.live!.bans, [])
  assert.deepEqual((await order({ kind: 'unban', source: '2001:db8:7::/48' })).notes, [
    'it was not banned here; the other nodes are told',
  ])
})

test('proof by hand where the file has none is a program that can ask for it', async () => {
  world.text = file('{ proof: off }')
  await world.start()
  assert.equal(world.packetPath.spec!.defence!.proof, undefined)
  await order({ kind: 'proof', mode: 'on', service: 'www' })
  assert.equal(world.packetPath.spec!.defence!.proof!.above, 10_000)
})

test('bans that together leave nobody are refused', async () => {
  await world.start()
  for (let net = 1; net < 223; net++) await order({ kind: 'ban', source: `${net}.0.0.0/8` })
  await refuses(
    order({ kind: 'ban', source: '223.0.0.0/8' }),
    'FLOOD_ORDER_REFUSED',
    /with the bans in force that is all of IPv4: take some back/,
  )
})

test('a rule of the file that counts what every connection consists of does not drop by hand', async () => {
  world.text = file('{ rules: { every: { tcp: syn } } }')
  await world.start()
  await refuses(
    order(add('every', { action: 'drop' })),
    'FLOOD_ORDER_INVALID',
    /every connection consists of/,
  )
  await order(add('every', { action: 'count' }))
  await refuses(
    order(add('few', { udp: 'any', action: { limit: '10/s' } })),
    'FLOOD_ORDER_INVALID',
    /it limits every packet: write 10000\/s or more/,
  )
  await refuses(order({ kind: 'ban', source: '2000::/3' }), 'FLOOD_ORDER_INVALID', /is all of IPv6/)
})

test('what makes no sense is refused with what to write, and changes nothing', async () => {
  await world.start()
  const kept = world.floods.kept
  await refuses(
    order(add('odd', { tcp: 'syn', action: 'drop' })),
    'FLOOD_ORDER_INVALID',
    /what every connection consists of/,
  )
  await refuses(order(add('odd', { window: '9..1' })), 'FLOOD_ORDER_INVALID', /window: 9\.\.1 runs backwards/)
  await refuses(
    order(add('odd', { services: 'wwv', window: 0 })),
    'FLOOD_ORDER_INVALID',
    /services: there is no service "wwv": did you mean "www"\?/,
  )
  await refuses(order(add('odd', {})), 'FLOOD_ORDER_INVALID', /says nothing of what it matches/)
  await refuses(order(add('9', { window: 0 })), 'FLOOD_ORDER_INVALID', /is not a name/)
  await refuses(
    order(add('night', { window: 0, tcp: 'syn' })),
    'FLOOD_ORDER_REFUSED',
    /night is a rule already/,
  )
  const past = world.now.getTime() - 1
  await refuses(
    order({ kind: 'ban', source: '192.0.2.1', untilMs: past }),
    'FLOOD_ORDER_INVALID',
    /has passed already/,
  )
  await refuses(
    order({ kind: 'ban', source: '192.0.2.1/24' }),
    'FLOOD_ORDER_INVALID',
    /write 192\.0\.2\.0\/24/,
  )
  await refuses(
    order({ kind: 'ban', source: '0.0.0.0/1' }),
    'FLOOD_ORDER_INVALID',
    /0\.0\.0\.0\/1 is a large part of IPv4: ban networks of 8 bits and more, or first `tenbin flood allow`/,
  )
  await refuses(order({ kind: 'ban', source: '::/0' }), 'FLOOD_ORDER_INVALID', /is all of IPv6/)
  await refuses(order({ kind: 'ban', source: 'web1' }), 'FLOOD_ORDER_INVALID', /is no network/)
  await refuses(
    order({ kind: 'remove', name: 'nigt' }),
    'FLOOD_ORDER_REFUSED',
    /there is no rule "nigt": did you mean "night"\?/,
  )
  await refuses(
    order({ kind: 'remove', name: 'night' }),
    'FLOOD_ORDER_REFUSED',
    /night is a rule of the file/,
  )
  await refuses(order({ kind: 'proof', mode: 'on', service: 'wwv' }), 'SERVICE_UNKNOWN', /did you mean "www"/)
  assert.equal(world.floods.kept, kept)
  assert.deepEqual(rules(), ['night drop', 'bare-syn count'])
})

test('where the packet path refuses a rule, the order is refused and what ran runs on', async () => {
  await world.start()
  world.packetPath.refusal = new TenbinError('INTERFACE_MISSING', 'apply')
  await refuses(order(add('odd', { tcp: 'syn', window: 9 })), 'INTERFACE_MISSING', /./)
  assert.deepEqual(rules(), ['night drop', 'bare-syn count'])
  assert.equal(world.flood!.orders.inForce.length, 0)
})

test('what cannot be kept counts all the same, is said, and is kept as soon as it can be', async () => {
  await world.start()
  world.floods.refusal = new TenbinError('STATE_UNUSABLE', 'keep', { detail: 'the disk is full' })
  const answer = await order({ kind: 'ban', source: '192.0.2.1' })
  assert.equal(answer.kept, false)
  assert.match(answer.notes[0]!, /it will not hold over a restart/)
  await world.controller.tick()
  assert.deepEqual(await world.problemCodes(), ['STATE_UNUSABLE'])
  world.floods.refusal = undefined
  await world.controller.tick()
  await world.controller.tick()
  assert.deepEqual(await world.problemCodes(), [])
  assert.equal(world.floods.kept.length, 1)
})

test('a file without defence takes no orders, and one that loses it forgets none', async () => {
  await world.start()
  await order({ kind: 'ban', source: '192.0.2.1' })
  world.text = file('off')
  await world.controller.reload('test')
  await refuses(order({ kind: 'ban', source: '192.0.2.2' }), 'DEFENCE_OFF', /defence/)
  assert.equal(world.packetPath.spec!.defence, undefined)
  assert.equal(world.flood!.answer().isOn, false)
  world.text = file('on')
  await world.controller.reload('test')
  assert.equal(world.live!.bans.length, 1)
})

test('a server that fails is not up to a verdict, also while the guard keeps its traffic', async () => {
  const bytes = packet(ether(), ipv4({ destination: '10.0.0.100' }), tcp({ destination: 80 }))
  const syn = (): RecordedPacket => ({
    ...{ at: world.now.getTime(), bytes, length: bytes.length, direction: 'in', interface: 'eth0' },
    ...{ kind: 'new', outcome: 'forwarded', service: 'www' },
  })
  world.packetPath.recorder = {
    since: () => ({ packets: [syn()], cursor: [], lost: 0, more: false }),
    ...{ end: () => [], from: () => [], kept: { records: 0, bytes: 0 }, interfaces: [] },
    ...{ oldest: () => undefined, names: { service: [], server: [], interface: [] } },
  }
  world.text = file('on').replace('check: none', 'check: { tcp: {} }')
  await world.start()
  const serversUp = () => {
    world.pass(1000)
    world.controller.sweep()
    return world.flood!.answer().services.map((each) => [each.serversUp, each.servers])
  }
  for (const host of [11, 12, 13]) world.checker.see(`10.0.0.${host}`, 'up')
  assert.deepEqual(serversUp(), [[3, 3]])
  for (const host of [11, 12]) world.checker.see(`10.0.0.${host}`, 'down')
  assert.ok(world.events!.latest().some(({ kind }) => kind === 'service.held'))
  assert.deepEqual(serversUp(), [[1, 3]])
})

test('a rule that takes what clients send is told of, above the share that the file says', async () => {
  const sent = (source: number, flags: number): RecordedPacket => {
    const bytes = packet(
      ether(),
      ipv4({ destination: '10.0.0.100' }),
      tcp({ source, destination: 80, flags, window: 512 }),
    )
    return {
      ...{ at: world.now.getTime(), bytes, length: bytes.length, direction: 'in', interface: 'eth0' },
      ...{ kind: 'new', outcome: 'forwarded', service: 'www' },
    }
  }
  world.packetPath.recorder = {
    since: () => {
      const packets = Array.from({ length: 60 }, (_, i) => [sent(i, 2), sent(i, 16)]).flat()
      return { packets, cursor: [], lost: 0, more: false }
    },
    ...{ end: () => [], from: () => [], kept: { records: 0, bytes: 0 }, interfaces: [] },
    ...{ oldest: () => undefined, names: { service: [], server: [], interface: [] } },
  }
  const rule = 'rules: { linux: { tcp: syn, window: 512, services: www } }'
  world.text = file(`{ ${rule}, doubt: 100% }`)
  await world.start()
  const told = (): string[] => {
    for (let i = 0; i < 4; i++) {
      world.pass(100)
      world.controller.sweep()
    }
    return world.events!.latest().flatMap(({ kind, text }) => (kind === 'flood.rule' ? [text] : []))
  }
  assert.deepEqual(told(), [])
  world.text = file(`{ ${rule} }`)
  await world.controller.reload('test')
  const [text, ...more] = told()
  assert.match(text!, /^rule linux matches 60 of 60 SYNs whose connections went on, 100 % \(www\): /)
  assert.deepEqual(more, [])
})

test('memory that is told is that of all maps that a defence makes', async () => {
  await world.start()
  const { defence, ...rest } = goldenShapes['defence-everything-in-tables']!
  const mapsOf = (shape: Shape) => mapSizes(layoutOf(shape, fixedKeys()).memory)
  const maps = mapsOf({ ...rest, ...(defence && { defence }) })
  const others = new Set(mapsOf(rest).map(({ name }) => name))
  const status = world.packetPath.status.bind(world.packetPath)
  world.packetPath.status = () => ({ ...status(), maps })
  const bytes = maps.reduce((sum, each) => sum + (others.has(each.name) ? 0 : each.bytes), 0)
  assert.equal(world.flood!.answer().memoryBytes, bytes)
})

test('before anything is applied orders are refused', async () => {
  world.make()
  await refuses(order({ kind: 'ban', source: '192.0.2.2' }), 'NOT_APPLIED', /./)
})

test('what was kept is read again; a damaged file is set aside and told of', () => {
  const dir = mkdtempSync(join(tmpdir(), 'floods-'))
  try {
    const path = join(dir, 'floods.json')
    const word = {
      ...{ about: 'rule odd', version: { count: 3, by: 'lb1' }, since: 5, until: 9 },
      order: { kind: 'rule', name: 'odd', rule: { tcp: 'syn', window: 0 }, isObserved: true },
    } as const
    const store = floodStore(path)
    assert.deepEqual(store.read(), [])
    const said = { version: { count: 4, by: 'lb1' }, since: 6 }
    const words = [
      word,
      { ...said, about: 'proof' },
      { ...said, about: 'allow 203.0.113.0/24', order: { kind: 'allow', prefix: '203.0.113.0/24' } },
      { ...said, about: 'only', order: { kind: 'only', isOn: true } },
    ] as const
    store.write(words)
    assert.deepEqual(floodStore(path).read(), words)
    for (const text of [
      '{',
      '{"version":2}',
      JSON.stringify({ version: 1, words: [{ ...word, about: 'rule other' }] }),
    ]) {
      writeFileSync(path, text)
      const damaged = floodStore(path)
      assert.deepEqual(damaged.read(), [])
      assert.deepEqual(
        damaged.problems().map(({ code }) => code),
        ['FLOOD_ORDERS_DAMAGED'],
      )
      rmSync(`${path}.damaged`)
    }
    assert.deepEqual(readdirSync(dir), [])
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test('what is over and cannot be taken out is tried again seconds later, not at each sweep', async () => {
  await world.start()
  await order(add('odd', { tcp: 'syn', window: 9, action: 'drop' }, { untilMs: world.now.getTime() + 1000 }))
  let tried = 0
  Object.defineProperty(world.packetPath, 'refusal', {
    get: () => {
      tried++
      return new TenbinError('INTERFACE_MISSING', 'apply')
    },
    set: () => undefined,
    configurable: true,
  })
  world.pass(1000)
  for (let i = 0; i < 20; i++) {
    world.flood!.orders.sweep()
    await world.settle()
  }
  assert.equal(tried, 1)
  Reflect.deleteProperty(world.packetPath, 'refusal')
  world.pass(5000)
  await world.settle()
  assert.deepEqual(rules(), ['night drop', 'bare-syn count'])
  assert.match(texts().at(-1)!, /its time is over$/)
})
