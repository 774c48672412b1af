import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIp, parseIp4, parseMac } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { load } from '../config/load.ts'
import { FakeNetwork } from '../netlink/fake.ts'
import { examine } from './examine.ts'
import { fileText } from './fake-world.ts'

const state = (text: string) => load('/a.yaml', { read: () => Buffer.from(text), list: () => [] })
const codes = (problems: readonly { readonly code: string }[]) => problems.map(({ code }) => code)

function machine() {
  const network = new FakeNetwork()
  const { index } = network.addLink({ name: 'eth0', mac: parseMac('02:00:0a:00:00:02') })
  network.addAddress({ ifindex: index, address: parseIp('10.0.0.2'), prefix: 24, protocol: 0 })
  return { network, index }
}

test('without a machine nothing is missing, and what would be used is for the first node', () => {
  const { errors, warnings, uses, isHere, listing } = examine(state(fileText()), undefined, 4)
  assert.deepEqual([errors, warnings, isHere], [[], [], false])
  assert.equal(uses.node, 'lb1')
  assert.deepEqual(
    uses.interfaces.map(({ name }) => name),
    ['eth0'],
  )
  assert.deepEqual(uses.addresses, ['10.0.0.100/24'])
  assert.deepEqual(uses.services, [{ name: 'www', listeners: ['10.0.0.100:80'], pool: 'www', servers: 2 }])
  assert.ok(listing().length > uses.interfaces[0]!.instructions, 'source lines besides instructions')
})

test('what no program can be made of is refused in words', () => {
  const good = state(fileText())
  const rule = { name: 'odd', match: {}, action: 'limit', perSecond: 2 ** 40, record: false } as const
  const odd = { ...good, defence: { ...good.defence!, rules: [rule] } }
  assert.throws(
    () => examine(odd, undefined, 4),
    (error) => error instanceof TenbinError && error.code === 'PROGRAM_UNBUILT',
  )
})

test('lists of a family that nobody listens on, and families that only shuts, are warnings', () => {
  const said = (defence: string, text = fileText()) => {
    const { warnings } = examine(state(`${text}defence: ${defence}`), undefined, 4)
    return warnings.map(({ code, message }) => `${code} ${message}`)
  }
  assert.deepEqual(said('{ deny: ["2001:db8::/32"], allow: ["2001:db8:1::/48"] }'), [
    'LIST_IDLE allow has networks of IPv6 alone, and no service listens on that',
    'LIST_IDLE deny has networks of IPv6 alone, and no service listens on that',
  ])
  assert.deepEqual(said('{ deny: ["2001:db8::/32", 192.0.2.0/24], only: true, allow: 198.51.100.7 }'), [])
  const both = fileText({ ips: '10.0.0.100/24, "2001:db8::100/64"' })
    .replace('servers: {', 'servers: { six: "2001:db8::11",')
    .replace('services:', 'services:\n  six: { listen: ["[2001:db8::100]:80"], servers: six, check: none }')
  assert.deepEqual(said('{ only: true, allow: 198.51.100.7 }', both), [
    'LIST_IDLE only lets in who is allowed, and that is nobody of IPv6: all of it is dropped',
  ])
})

test('a rule is a warning that one before it leaves nothing to', () => {
  const said = (...rules: string[]) => {
    const { warnings } = examine(
      state(`${fileText()}defence: { rules: { ${rules.join(', ')} } }`),
      undefined,
      4,
    )
    return warnings.map(({ code, message }) => `${code} ${message}`)
  }
  const wide = 'wide: { tcp: syn, window: 0..99, source: [198.51.100.0/24, 203.0.113.0/24], action: drop }'
  const narrow = 'narrow: { tcp: syn, window: 7, ttl: 64, source: 203.0.113.0/25 }'
  assert.deepEqual(said(wide, narrow), [
    'RULE_UNREACHED rule narrow is never reached: wide before it drops all that it matches',
  ])
  for (const reached of [
    [narrow, wide],
    [wide.replace('drop', 'count'), narrow],
    [wide.replace('source', 'options: some, source'), narrow],
    [wide, narrow.replace('7', '7..100')],
    [wide, narrow.replace('203.0.113.0/25', '203.0.112.0/23')],
    [wide, narrow.replace('tcp: syn', 'tcp: any')],
    [wide.replace('}', ', services: www }'), narrow],
    // one that ships, and counts
    ['bare: { tcp: syn, window: 0, action: drop }'],
  ])
    assert.deepEqual(said(...reached), [], reached.join())
})

test('memory grows with the CPUs and the servers', () => {
  const bytes = (text: string, cpus: number) => examine(state(text), undefined, cpus).uses.memoryBytes
  assert.ok(bytes(fileText(), 64) > bytes(fileText(), 4))
  assert.ok(bytes(fileText({ servers: 80 }), 4) > bytes(fileText(), 4))
})

test('on a machine that is none of the nodes what a file has on its first node counts all the same', () => {
  const maps = (more: string) =>
    examine(state(fileText().replace('front: {', `front: { vrid: 51, ${more}`)), undefined, 4).uses.maps.map(
      ({ name }) => name,
    )
  assert.ok(!maps('').includes('roles'))
  assert.ok(maps('mac: virtual, ').includes('roles'))
})

test('more servers than the kernel has room for are a warning, unless the file makes room', () => {
  const { network } = machine()
  const room = (sysctls: readonly { readonly value: number }[]) => {
    const [{ value } = { value: 1 }] = sysctls
    return { ipv4: { kept: value, most: value } }
  }
  const said = (more = '') =>
    codes(examine(state(fileText({ more })), { network, neighbours: room }, 4).warnings)
  assert.deepEqual(said(), ['NEIGHBOURS_CROWDED'])
  assert.deepEqual(said('sysctls: { net.ipv4.neigh.default.gc_thresh3: 4096 }'), [])
})

test('weights that turns cannot keep exactly are a warning', () => {
  const members = '[{ name: web1, weight: 65535 }, { name: web2, weight: 65534 }]'
  const text = fileText().replace('servers: web1..2', `scheduler: wrr, servers: ${members}`)
  const { errors, warnings } = examine(state(text), undefined, 4)
  assert.deepEqual([codes(errors), codes(warnings)], [[], ['WEIGHTS_SCALED']])
})

test('on a node of the file the machine fits', () => {
  const { network } = machine()
  const { errors, warnings, isHere } = examine(state(fileText()), { network }, 4)
  assert.deepEqual([errors, warnings, isHere], [[], [], true])
})

test('what may still come is a warning, what contradicts the file an error', () => {
  const { network, index } = machine()
  const other = network.addLink({ name: 'eth1', mac: parseMac('02:00:0a:00:00:03') }).index
  network.addAddress({ ifindex: other, address: parseIp('10.0.0.101'), prefix: 24, protocol: 0 })
  network.addRoute({
    ifindex: index,
    destination: parseIp4('10.8.0.0'),
    prefix: 16,
    gateway: parseIp4('10.0.0.1'),
  })
  const found = examine(
    state(`
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [10.0.0.101/32] } }
servers: { near: 10.0.0.11, far: 10.8.0.1, nowhere: 10.9.0.1 }
services: { www: { listen: ["10.0.0.101:80"], servers: [near, far, nowhere], check: none } }
`),
    { network },
    4,
  )
  assert.deepEqual(codes(found.errors), ['ADDRESS_ELSEWHERE', 'SERVER_OFF_LINK'])
  assert.deepEqual(codes(found.warnings), ['SERVER_UNREACHABLE'])
  assert.deepEqual(codes(examine(state(fileText({ nic: 'eth9' })), { network }, 4).warnings), [
    'INTERFACE_MISSING',
  ])
  const strangers = fileText().replace('10.0.0.2,', '10.0.0.4,')
  assert.deepEqual(codes(examine(state(strangers), { network }, 4).warnings), ['NODE_UNKNOWN'])
})

test('an address that a running tenbin put there is no contradiction', () => {
  const { network } = machine()
  const other = network.addLink({ name: 'eth1', mac: parseMac('02:00:0a:00:00:03') }).index
  network.addAddress({ ifindex: other, address: parseIp('10.0.0.100'), prefix: 24 })
  assert.deepEqual(examine(state(fileText()), { network }, 4).errors, [])
})

test('memory is told map by map, with the flow table where a service remembers flows', () => {
  const undefended = (more = '') => examine(state(fileText({ more: `defence: off\n${more}` })), undefined, 4)
  const { uses } = undefended()
  const names = uses.maps.map(({ name }) => name)
  assert.deepEqual(names, ['tables', 'slots', 'counters', 'fragments', 'awaiting', 'flows', 'failed', 'held'])
  assert.equal(
    uses.memoryBytes,
    uses.maps.reduce((sum, { bytes }) => sum + bytes, 0),
  )
  const flows = uses.maps.find(({ name }) => name === 'flows')!.bytes
  assert.ok(flows >= 16 * 262_144 && flows <= 27 * 262_144, `${flows} bytes`)
  const stateless = undefended('defaults: { track: none }').uses
  assert.deepEqual(
    stateless.maps.map(({ name }) => name),
    ['tables', 'slots', 'counters', 'fragments', 'held'],
  )
  assert.equal(stateless.flows, undefined)
})

test('what services are defended by is told, and its memory: 8 MiB a CPU at most, 64 MiB on many', () => {
  const { uses } = examine(state(fileText()), undefined, 2)
  assert.deepEqual(uses.defence, [
    'proof of source above 10,000 SYNs a second of a service',
    'rule bare-syn: count',
    'a recorder of the last minute at least',
  ])
  const undefended = examine(state(fileText({ more: 'defence: off' })), undefined, 2).uses
  assert.deepEqual(undefended.defence, [])
  const names = new Set(undefended.maps.map(({ name }) => name))
  const defence = uses.maps.filter(({ name }) => !names.has(name)).map(({ name }) => name)
  assert.deepEqual(defence, ['recorder', 'defence', 'proven', 'rules', 'openings', 'lists4'])
  assert.ok(uses.memoryBytes - undefended.memoryBytes < 18 * 2 ** 20)
  const recorder = (cpus: number, more = '') =>
    examine(state(fileText({ more })), undefined, cpus).uses.maps.find(({ name }) => name === 'recorder')!
  const least = 2 ** 16 * 128
  for (const [cpus, bytes] of [
    [1, least],
    [8, 8 * least],
    [128, 8 * least],
  ] as const)
    assert.ok(Math.abs(recorder(cpus).bytes - bytes) <= 64 * 128 + 4_096, `${cpus} CPUs`)
  assert.ok(recorder(8, 'defence: { recorder: { memory: 1MiB } }').bytes < 2 ** 20 + 4_097)
})

test('a file that does not fit this machine is an error, on another machine it is not asked', () => {
  const { network } = machine()
  const memory = { cpus: 4, total: 2 ** 30, available: 4 * 2 ** 20, held: [] }
  assert.deepEqual(codes(examine(state(fileText()), { network, memory }, 4).errors), ['MEMORY_SHORT'])
  const enough = { ...memory, available: 64 * 2 ** 20 }
  assert.deepEqual(examine(state(fileText()), { network, memory: enough }, 4).errors, [])
  const strangers = fileText().replace('10.0.0.2,', '10.0.0.4,')
  assert.deepEqual(examine(state(strangers), { network, memory }, 4).errors, [])
})

test('each interface that forwards is told with its program; of those by which servers are reached only a machine knows', () => {
  const { network } = machine()
  const text = fileText()
    .replace('{ lan: eth0 }', '{ lan: eth0, back: eth1 }')
    .replace('10.0.0.11..12', '10.1.0.11..12')
  const eth1 = network.addLink({ name: 'eth1', mac: parseMac('02:00:0a:01:00:02') })
  network.addAddress({ ifindex: eth1.index, address: parseIp('10.1.0.2'), prefix: 24, protocol: 0 })
  const names = (examination: ReturnType<typeof examine>) =>
    examination.uses.interfaces.map(({ name }) => name)
  const here = examine(state(text), { network }, 4)
  assert.deepEqual(here.errors, [])
  assert.deepEqual(names(here), ['eth0', 'eth1'])
  assert.ok(here.uses.interfaces.every(({ instructions }) => instructions > 100))
  assert.deepEqual(
    here.listing().filter((line) => line.startsWith('on ')),
    ['on eth0:', 'on eth1:'],
  )
  assert.deepEqual(names(examine(state(text), undefined, 4)), ['eth0'])
})

test('NICs that forward and differ in their MTU are a warning', () => {
  const { network } = machine()
  const eth1 = network.addLink({ name: 'eth1', mac: parseMac('02:00:0a:01:00:02'), mtu: 9_000 })
  network.addAddress({ ifindex: eth1.index, address: parseIp('10.1.0.2'), prefix: 24, protocol: 0 })
  const text = `
interfaces: { lan: eth0, back: eth1 }
addresses: { front: { on: lan, ips: [10.0.0.100/24] }, inner: { on: back, ips: [10.1.0.100/24] } }
servers: { web1: 10.0.0.11 }
services: { www: { listen: [10.0.0.100:80], servers: [web1], check: none } }
`
  const { errors, warnings } = examine(state(text), { network }, 4)
  assert.deepEqual([codes(errors), codes(warnings)], [[], ['MTU_DIFFERS']])
  assert.equal(warnings[0]!.message, 'eth0 has an MTU of 1500, eth1 has an MTU of 9000')
})
