// Three nodes with one address set of version 2, whose password or interval an apply changes on one node after the other, on a
// clock of the test's: what each sends, the others judge. Two nodes are active at once for no moment as long as an apply takes
// half a minute at most; from then on for as long as it takes more.
//
//   change of a node       sends as before for 30 s        sends as the file says
//                     |---------------------------------|------------------------------>
//                       takes what was right before, or is now, for 60 s
//                     |-------------------------------------------------------|

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Ip, parseIp, parseMac } from '../base/addresses.ts'
import { AddressSet } from './address-set.ts'
import type { Outgoing } from './advert-port.ts'
import type { NicView } from './nic-view.ts'
import type { SetHost } from './set-host.ts'
import { setSpec } from './spec.fixture.ts'
import type { SetSpec } from './spec.ts'
import { TrailerNumbers } from './trailer-numbers.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenbin-exchange-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const password = (name: string): Pick<SetSpec, 'auth'> => {
  const file = join(folder, name)
  writeFileSync(file, name)
  return { auth: { kind: 'pass', file } }
}

const PRIORITIES = [200, 100, 99]
const DELAY_MS = 2
const SECOND = 1000

class Node {
  readonly set: AddressSet
  readonly #ip: Ip
  readonly #spec: SetSpec

  constructor(world: World, at: number, more: Partial<SetSpec>) {
    const ip = parseIp(`10.0.0.${at + 2}`)
    this.#ip = ip
    const nic: NicView = {
      ...{ name: 'eth0', index: 2, isUsable: true },
      ...{ mac: parseMac(`02:00:00:00:00:0${at}`), primary: { 4: ip, 6: undefined } },
    }
    const host: SetHost = {
      rtnl: {
        hold: (_, done) => world.later(1, () => done({ kind: 'held', unrouted: [] })),
        release: () => undefined,
        clear: () => undefined,
      },
      ...{ isKnown: () => true, now: () => world.now, nic: () => nic, sendFrame: () => true },
      port: () => ({ send: (advert) => world.send(this, advert) }),
      isRouter: () => false,
      numbers: new TrailerNumbers(join(folder, `counter ${at}`)),
      onRole: () => world.look(),
      onFinding: () => undefined,
    }
    this.#spec = setSpec({ version: 2, advertMs: SECOND, priority: PRIORITIES[at]! })
    this.set = new AddressSet({ ...this.#spec, ...more }, false, host)
    this.set.networkChanged()
  }

  get isActive(): boolean {
    return this.set.status().role === 'active'
  }

  change(more: Partial<SetSpec>): void {
    this.set.change({ ...this.#spec, ...more }, false)
  }

  hear({ source, destination, bytes }: Outgoing): void {
    if (source !== this.#ip) this.set.receive(this.set.members[0]!, { source, destination, ttl: 255, bytes })
  }
}

class World {
  now = 1_000_000
  /** Ms with more than one active node, and with none, of those that were looked at. */
  two = 0
  none = 0
  readonly nodes: Node[] = []
  #events: { readonly at: number; readonly what: () => void }[] = []
  #lookedAt = 0

  constructor(more: Partial<SetSpec>) {
    for (const at of PRIORITIES.keys()) this.nodes.push(new Node(this, at, more))
    this.pass(30 * SECOND)
    ;[this.two, this.none] = [0, 0]
  }

  later(ms: number, what: () => void): void {
    this.#events.push({ at: this.now + ms, what })
  }

  send(from: Node, advert: Outgoing): boolean {
    for (const node of this.nodes) if (node !== from) this.later(DELAY_MS, () => node.hear(advert))
    return true
  }

  /** look how many are active from now on. */
  look(): void {
    const active = this.nodes.filter((node) => node.isActive).length
    const ms = this.now - this.#lookedAt
    if (this.#active > 1) this.two += ms
    if (this.#active === 0) this.none += ms
    this.#active = active
    this.#lookedAt = this.now
  }
  #active = 0

  /** pass time: what is due first is done first. */
  pass(ms: number): void {
    const end = this.now + ms
    for (;;) {
      this.#events.sort((a, b) => a.at - b.at)
      const at = Math.min(
        this.#events[0]?.at ?? Number.POSITIVE_INFINITY,
        ...this.nodes.map(({ set }) => set.nextAt() ?? Number.POSITIVE_INFINITY),
      )
      if (at > end) break
      this.now = Math.max(this.now, at)
      if (this.#events[0] && this.#events[0].at <= this.now) this.#events.shift()!.what()
      else for (const { set } of this.nodes) if ((set.nextAt() ?? end + 1) <= this.now) set.tick()
    }
    this.now = end
    this.look()
  }
}

const CHANGES: readonly (readonly [string, Partial<SetSpec>, Partial<SetSpec>])[] = [
  ['a longer interval', { advertMs: SECOND }, { advertMs: 5 * SECOND }],
  ['a shorter interval', { advertMs: 5 * SECOND }, { advertMs: SECOND }],
  ['another password', password('old'), password('new')],
  ['a first password', {}, password('new')],
  ['both', { ...password('old'), advertMs: SECOND }, { ...password('new'), advertMs: 3 * SECOND }],
]
/** ORDERS in which nodes are changed: the active one last, as an apply does where it can, and others. */
const ORDERS = [
  [2, 1, 0],
  [0, 1, 2],
  [1, 0, 2],
] as const

for (const [what, from, to] of CHANGES)
  test(`${what}: no two nodes are active, nor none, while an apply reaches them within half a minute`, () => {
    for (const order of ORDERS)
      for (const gapMs of [10, 4 * SECOND, 14 * SECOND]) {
        const world = new World(from)
        for (const at of order) {
          world.nodes[at]!.change(to)
          world.pass(gapMs)
        }
        world.pass(120 * SECOND)
        const told = `${order} with ${gapMs} ms between them`
        assert.deepEqual({ two: world.two, none: world.none }, { two: 0, none: 0 }, told)
        assert.ok(world.nodes[0]!.isActive, told)
      }
  })

test('a node that is reached later is active beside another one until then, and for an advert more', () => {
  for (const [what, from, to] of CHANGES) {
    const world = new World(from)
    for (const at of [1, 0]) world.nodes[at]!.change(to)
    const lateMs = 50 * SECOND
    world.pass(lateMs)
    world.nodes[2]!.change(to)
    world.pass(120 * SECOND)
    const advertMs = Math.max(from.advertMs ?? SECOND, to.advertMs ?? SECOND)
    assert.ok(world.two <= lateMs - 30 * SECOND + advertMs + DELAY_MS, `${what}: ${world.two} ms`)
    assert.deepEqual(
      world.nodes.map(({ isActive }) => isActive),
      [true, false, false],
      what,
    )
  }
})

test('a change that is taken back, or followed by another, within half a minute changes no role', () => {
  const [from, to] = [password('old'), password('new')]
  for (const then of [from, password('newest')]) {
    const world = new World(from)
    for (const more of [to, then])
      for (const at of [2, 1, 0]) {
        world.nodes[at]!.change(more)
        world.pass(4 * SECOND)
      }
    world.pass(120 * SECOND)
    assert.deepEqual({ two: world.two, none: world.none }, { two: 0, none: 0 })
  }
})

test('one that starts anew meanwhile, or is of another make, has it at once: the others follow when they hear that', () => {
  for (const [what, from, to] of CHANGES) {
    const world = new World(from)
    for (const at of [2, 1, 0]) world.nodes[at]!.change(to)
    world.pass(SECOND)
    world.nodes[1] = new Node(world, 1, to)
    world.pass(120 * SECOND)
    const advertMs = Math.max(from.advertMs ?? SECOND, to.advertMs ?? SECOND)
    assert.ok(world.two <= advertMs + DELAY_MS, `${what}: ${world.two} ms`)
    assert.equal(world.none, 0, what)
    assert.ok(world.nodes[0]!.isActive, what)
  }
})
