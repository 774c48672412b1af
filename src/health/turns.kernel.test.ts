// Source ports of checks through service addresses: whose they are, for how long, and what is said where there are none.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Ip, parseIp } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { FIRST_PORT, PORTS, TURNS_PIN, turnKey } from '../dataplane/turn.ts'
import { CheckWay } from '../engine/check-way.ts'
import { BpfMap } from '../kernel/map.ts'
import { ensureBpffs, PinDirectory } from '../kernel/pin.ts'
import { NetworkNamespace } from '../sys/namespace.ts'
import { Reactor } from '../sys/reactor.ts'
import type { SocketRoute } from '../sys/socket-route.ts'
import { SyscallError } from '../sys/syscall.ts'
import { tcp } from './checkers/tcp.ts'
import { lookOnce } from './look.ts'
import { Turns } from './turns.ts'

const skip = process.getuid?.() === 0 ? false : 'needs root'
const instance = `turns-test-${process.pid}`
const server = parseIp('10.0.0.11')
const way = new CheckWay(instance)
let home: NetworkNamespace
let machine: NetworkNamespace

before(() => {
  if (skip !== false) return
  home = NetworkNamespace.current()
  machine = NetworkNamespace.create()
  machine.enter()
  ensureBpffs()
  way.ensure({
    addresses: [
      { address: parseIp('10.1.0.2'), prefix: 24 },
      { address: parseIp('10.0.0.2'), prefix: 24 },
    ],
    mtu: 1500,
  })
  way.open()
})
after(() => {
  if (skip !== false) return
  way.remove()
  PinDirectory.find(instance)?.remove()
  home.enter()
  machine[Symbol.dispose]()
  home[Symbol.dispose]()
})

const reactor = new Reactor()
after(() => reactor[Symbol.dispose]())
const turnsOf = (name: string): Turns => new Turns(name, reactor)

/** Look: owns what it is given until it ends. */
class Look implements Disposable {
  readonly #owned: Disposable[] = []

  own<Resource extends Disposable>(resource: Resource): Resource {
    this.#owned.push(resource)
    return resource
  }

  [Symbol.dispose](): void {
    for (const each of this.#owned.splice(0).reverse()) each[Symbol.dispose]()
  }
}

const open = (turns: Turns, look: Look, towards: Ip = server): SocketRoute =>
  turns.open(look, towards, (route) => route)
const missing = (words: RegExp) => (error: unknown) =>
  error instanceof TenbinError && error.code === 'CHECK_WAY_MISSING' && words.test(error.detail!)

const told = (port: number): Uint8Array => {
  using map = BpfMap.adopt(PinDirectory.find(instance)!.get(TURNS_PIN)!)
  return Uint8Array.from(map.lookup(turnKey(port))!)
}

test('a socket gets the node’s address on the server’s network, and a port that the map knows as the server’s', {
  skip,
}, () => {
  using look = new Look()
  const turns = turnsOf(instance)
  const { source, port } = open(turns, look)
  assert.equal(source, parseIp('10.0.0.2'))
  assert.ok(port! >= FIRST_PORT && port! < FIRST_PORT + PORTS)
  assert.deepEqual(told(port!), Uint8Array.of(10, 0, 0, 11, ...Array(12).fill(0)))
  const another = open(turns, look, parseIp('10.1.0.9'))
  assert.equal(another.source, parseIp('10.1.0.2'))
  assert.deepEqual(told(another.port!), Uint8Array.of(10, 1, 0, 9, ...Array(12).fill(0)))
  assert.deepEqual(told(port!), Uint8Array.of(10, 0, 0, 11, ...Array(12).fill(0)))
})

test('a port is one look’s until that ends; then it is the last to be taken again', { skip }, () => {
  const turns = turnsOf(instance)
  const looks = Array.from({ length: PORTS }, () => new Look())
  const ports = looks.map((look) => open(turns, look).port!)
  assert.equal(new Set(ports).size, PORTS)
  using late = new Look()
  assert.throws(() => open(turns, late), missing(/all of its 4096 ports are in use/))
  for (const look of looks.slice(5)) look[Symbol.dispose]()
  assert.equal(open(turns, late).port, ports[5])
  assert.equal(open(turns, late).port, ports[6])
  for (const look of looks) look[Symbol.dispose]()
})

test('a port that the kernel still has is passed over, a few times', { skip }, () => {
  using look = new Look()
  const turns = turnsOf(instance)
  let refused = 0
  const { port } = turns.open(look, server, (route) => {
    if (refused++ < 3) throw new SyscallError('bind', 98)
    return route
  })
  assert.equal(open(turns, look).port, port! + 1 < FIRST_PORT + PORTS ? port! + 1 : FIRST_PORT)
  assert.throws(
    () =>
      turns.open(look, server, () => {
        throw new SyscallError('bind', 98)
      }),
    (error) => error instanceof SyscallError && error.errno === 'EADDRINUSE',
  )
  assert.throws(
    () =>
      turns.open(look, server, () => {
        throw new SyscallError('connect', 101)
      }),
    (error) => error instanceof SyscallError && error.errno === 'ENETUNREACH',
  )
})

test('where the way is missing, nothing is found out of the server, and what is missing is said', {
  skip,
}, async () => {
  using look = new Look()
  assert.throws(
    () => open(turnsOf(instance), look, parseIp('2001:db8::11')),
    missing(/no IPv6 address of its own/),
  )
  const target = { address: parseIp('10.0.0.100'), port: 80, server }
  const turns = turnsOf(`${instance}-nowhere`)
  const finding = await lookOnce(tcp(target), { reactor, timeoutMs: 1000, turns })
  assert.equal(finding.outcome, 'none')
  assert.equal(finding.text, 'the way through the service address is not there: its namespace is not there')
  PinDirectory.find(instance)!.rename(TURNS_PIN, 'elsewhere')
  assert.throws(() => open(turnsOf(instance), look), missing(/its map is not pinned/))
  PinDirectory.find(instance)!.rename('elsewhere', TURNS_PIN)
})
