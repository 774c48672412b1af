// The way of checks through service addresses, on a machine that is a namespace: made, found again, mended, removed.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, test } from 'node:test'
import { parseIp } from '../base/addresses.ts'
import { checkNamespace, TURNS_PIN } from '../dataplane/turn.ts'
import { ensureBpffs, PinDirectory } from '../kernel/pin.ts'
import { openNamed, removeNamed } from '../sys/named-namespace.ts'
import { NetworkNamespace } from '../sys/namespace.ts'
import { CheckWay, vethOf, type WantedWay } from './check-way.ts'

const skip = process.getuid?.() === 0 ? false : 'needs root'
const instance = `way-test-${process.pid}`
const veth = vethOf(instance)
const wanted = {
  addresses: [
    { address: parseIp('10.0.0.2'), prefix: 24 },
    { address: parseIp('2001:db8::2'), prefix: 64 },
  ],
  mtu: 1500,
}
let home: NetworkNamespace
let machine: NetworkNamespace

beforeEach(() => {
  home = NetworkNamespace.current()
  machine = NetworkNamespace.create()
  machine.enter()
  ensureBpffs()
})
afterEach(() => {
  new CheckWay(instance).remove()
  PinDirectory.find(instance)?.remove()
  home.enter()
  machine[Symbol.dispose]()
  home[Symbol.dispose]()
})

/** made: there, and open. */
function made(way: CheckWay, as: WantedWay): ReturnType<CheckWay['ensure']> {
  const answer = way.ensure(as)
  way.open()
  return answer
}

/** ip runs ip(8), here or inside. */
const ip = (words: string, isInside = false): string => {
  const run = () => execFileSync('ip', words.split(' '), { encoding: 'utf8' })
  if (!isInside) return run()
  using place = openNamed(checkNamespace(instance))
  return place.run(run)
}
const addresses = (): string[] =>
  [...ip('-o addr show dev eth0', true).matchAll(/inet6? (\S+)/g)].map(([, text]) => text!)
const setting = (path: string): string => readFileSync(`/proc/sys/net/${path}`, 'utf8').trim()

test('the way is made, is as wanted, and goes without a trace', { skip }, () => {
  const way = new CheckWay(instance)
  assert.equal(way.isThere, false)
  const { ifindex, notes } = made(way, wanted)
  assert.deepEqual(notes, [])
  assert.match(ip(`-o link show dev ${veth}`), new RegExp(`^${ifindex}: .*UP.* xdpgeneric`, 's'))
  assert.match(ip('-o link show dev eth0', true), /NOARP.*UP.* xdp /s)
  assert.deepEqual(addresses(), ['10.0.0.2/24', '2001:db8::2/64'])
  assert.match(ip('route show default', true), /dev eth0/)
  assert.match(ip('-6 route show default', true), /dev eth0/)
  assert.deepEqual(way.drift(wanted), [])
  assert.equal(setting('ipv4/conf/all/accept_local'), '0')
  assert.equal(setting(`ipv4/conf/${veth}/accept_local`), '0')
  assert.deepEqual(way.remove(), [`veth ${veth}`, `network namespace ${checkNamespace(instance)}`])
  assert.equal(existsSync(`/sys/class/net/${veth}`), false)
  assert.deepEqual(PinDirectory.find(instance)!.names(), [])
  assert.deepEqual(way.remove(), [])
})

test('until answers can come back, nobody looks: the map has no name', { skip }, () => {
  const way = new CheckWay(instance)
  way.ensure(wanted)
  assert.deepEqual(PinDirectory.find(instance)!.names(), ['turn-in', 'turn-out'])
  way.open()
  assert.deepEqual(PinDirectory.find(instance)!.names(), ['turn-in', 'turn-out', TURNS_PIN])
  new CheckWay(instance).open()
  assert.deepEqual(PinDirectory.find(instance)!.names(), ['turn-in', 'turn-out', TURNS_PIN])
})

test('a daemon that comes later goes on with it, whatever addresses it wants', { skip }, () => {
  const first = made(new CheckWay(instance), wanted)
  const way = new CheckWay(instance)
  const others = [
    { address: parseIp('10.0.0.3'), prefix: 24 },
    { address: parseIp('10.1.0.2'), prefix: 16 },
  ]
  assert.deepEqual(way.drift({ ...wanted, addresses: others }), [
    'the namespace of the checks has other addresses than the node',
  ])
  assert.deepEqual(made(way, { ...wanted, addresses: others }), { ifindex: first.ifindex, notes: [] })
  assert.deepEqual(addresses(), ['10.0.0.3/24', '10.1.0.2/16'])
  assert.deepEqual(made(way, wanted), { ifindex: first.ifindex, notes: [] })
  assert.deepEqual(addresses(), ['10.0.0.2/24', '2001:db8::2/64'])
})

test('an address that several interfaces have is there once', { skip }, () => {
  const way = new CheckWay(instance)
  const [four, six] = wanted.addresses
  const twice = {
    ...wanted,
    addresses: [four!, { ...four!, prefix: 32 }, six!, { ...six!, prefix: 128 }, six!],
  }
  made(way, twice)
  assert.deepEqual(addresses(), ['10.0.0.2/24', '2001:db8::2/64'])
  assert.deepEqual(way.drift(twice), [])
})

test('whatever is taken away of it is noticed and comes back', { skip }, () => {
  const way = new CheckWay(instance)
  const pins = () => PinDirectory.find(instance)!
  for (const [what, take, told] of [
    ['the veth', () => ip(`link del ${veth}`), `${veth} is gone`],
    ['the namespace', () => removeNamed(checkNamespace(instance)), 'the namespace of the checks is gone'],
    ['its other end', () => ip('link del eth0', true), `${veth} is gone`],
    ['its state', () => ip(`link set ${veth} down`), `${veth} is off, or its other end is gone`],
    ['the map', () => pins().unpin(TURNS_PIN), `a program of ${veth} is gone`],
    ['a program', () => pins().unpin('turn-in'), `a program of ${veth} is gone`],
    ['its MTU', () => ip(`link set ${veth} mtu 1400`), `${veth} has another MTU than the node’s interfaces`],
    [
      'an address',
      () => ip('addr del 10.0.0.2/24 dev eth0', true),
      'the namespace of the checks has other addresses than the node',
    ],
    [
      'the veth’s forwarding, with that of all',
      () => {
        writeFileSync('/proc/sys/net/ipv4/ip_forward', '1')
        writeFileSync('/proc/sys/net/ipv4/ip_forward', '0')
      },
      'the checks’ veth is not asked for its routes: forwarding is off',
    ],
  ] as const) {
    made(way, wanted)
    assert.deepEqual(way.drift(wanted), [], what)
    take()
    assert.deepEqual(way.drift(wanted), [told], what)
    made(way, wanted)
    assert.deepEqual(way.drift(wanted), [], what)
    assert.deepEqual(addresses(), ['10.0.0.2/24', '2001:db8::2/64'], what)
  }
})

test('what a crash left half made is made anew', { skip }, () => {
  ip(`link add ${veth} type veth peer name other`)
  writeFileSync(`/run/netns/${checkNamespace(instance)}`, '')
  const way = new CheckWay(instance)
  made(way, wanted)
  assert.deepEqual(way.drift(wanted), [])
})
