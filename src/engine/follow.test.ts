// Two nodes of one file, each with a history of its own: who takes new flows is the same on both as soon as they see the
// same; and where one follows the other, every flow of the other's has the server here that it has there.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseIp4, parseMac } from '../base/addresses.ts'
import { clockOf } from '../dataplane/flow-clock.ts'
import {
  ASK_BEFORE,
  currentOf,
  SLOT_LEARN,
  SLOT_RECORDS,
  settledOf,
  slotWord,
  TIMEOUTS,
} from '../dataplane/shape.ts'
import { Assignment, type Unfollowed } from './assignment.ts'
import { type EngineSpec, LIMITS } from './engine.ts'
import { Estate } from './estate.ts'
import type { GenerationMaps } from './generation-maps.ts'
import { Known } from './known.ts'
import { type Plan, planOf } from './plan.ts'
import { type PoolShare, shareOf } from './pool-share.ts'

const mac = parseMac('02:00:00:00:00:01')
const address = (server: number) => `10.0.0.${10 + server}`
const nameOf = (server: number) => `web${server}`
const LIFE = 1_000 * TIMEOUTS.established

const specOf = (servers: readonly number[]): EngineSpec => ({
  interfaces: [{ name: 'eth0', index: 2, mac, mtu: 1_500 }],
  services: [
    {
      ...({ name: 'www', pool: 'web', track: 'changes', onFailure: 'keep', hash: 'flow' } as const),
      timeouts: TIMEOUTS,
      listeners: [
        { address: parseIp4('10.0.0.100'), port: 80, protocol: 'tcp' },
        { address: parseIp4('10.0.0.100'), port: 53, protocol: 'udp' },
      ],
    },
  ],
  pools: [{ name: 'web', members: servers.map((server) => ({ server: nameOf(server), weight: 10 })) }],
  servers: servers.map((server) => ({ name: nameOf(server), address: parseIp4(address(server)) })),
  limits: LIMITS,
})

/** What happens to a node; `share` of a weight of 10. */
type Happening =
  | { readonly kind: 'share'; readonly server: number; readonly share: number }
  | { readonly kind: 'reach'; readonly server: number; readonly isReachable: boolean }
  | { readonly kind: 'edit'; readonly servers: readonly number[] }
  | { readonly kind: 'time'; readonly ms: number }

/** Node: an engine's slots without the kernel, through generations. */
class Node {
  now = 0
  plan: Plan
  assignment: Assignment
  known = new Known()
  #servers: readonly number[]

  constructor(servers: readonly number[]) {
    this.#servers = servers
    this.plan = planOf(specOf(servers), { cpus: 1, clock: clockOf(250) })
    this.#meet(servers)
    this.assignment = new Assignment(this.plan, this.known, 0)
  }

  #meet(servers: readonly number[]): void {
    for (const server of servers)
      if (!this.known.isReachable(nameOf(server)))
        this.known.setNeighbour(nameOf(server), { mac, on: 'eth0' })
  }

  happens(happening: Happening): void {
    this.now += 1
    if (happening.kind === 'time') {
      this.now += happening.ms
      this.assignment.expire(this.now)
      return
    }
    if (happening.kind === 'edit') {
      this.edit(happening.servers)
      return
    }
    const name = nameOf(happening.server)
    if (happening.kind === 'reach')
      this.known.setNeighbour(name, happening.isReachable ? { mac, on: 'eth0' } : { why: 'FAILED' })
    else
      this.known.setView(
        'web',
        name,
        happening.share === 0 ? { up: false } : { up: true, weight: happening.share },
        this.now,
      )
    this.assignment.change(name, this.known, this.now, happening.kind === 'share' && happening.share === 0)
  }

  edit(servers: readonly number[], leader?: PoolShare): void {
    const { plan: old, assignment } = this
    this.#servers = servers
    const meta = {
      services: [{ name: 'www', pool: 0 }],
      pools: [
        {
          name: 'web',
          slots: old.pools[0]!.table.slots,
          before: assignment.before?.[0]?.length ?? 0,
        },
      ],
      beforeWords: 0,
    }
    const before = assignment.before?.[0] ?? new Uint32Array()
    const maps = { words: () => before, slots: assignment.wordsOf(0) } as unknown as GenerationMaps
    const estate = new Estate(meta as ConstructorParameters<typeof Estate>[0], maps, assignment)
    this.plan = planOf(specOf(servers), { cpus: 1, clock: clockOf(250) }, old)
    this.known = new Known(this.known)
    this.known.forget(this.plan.spec)
    this.#meet(servers)
    const shares = new Map(leader ? [['web', { share: leader, at: this.now }]] : [])
    this.assignment = new Assignment(this.plan, this.known, this.now, estate, { shares, idOf: this.#idOf })
  }

  /** see what `known` says from now on: whatever was known before. */
  agree(seen: ReadonlyMap<number, number>): void {
    for (const server of this.#servers) {
      this.happens({ kind: 'reach', server, isReachable: true })
      this.happens({ kind: 'share', server, share: seen.get(server) ?? 10 })
    }
  }

  get words(): Uint32Array {
    return this.assignment.wordsOf(0)
  }

  named(id: number): string {
    return id === ASK_BEFORE ? 'before' : (this.plan.servers[id] ?? 'nobody')
  }

  current(): string[] {
    return [...this.words].map((word) => this.named(currentOf(word)))
  }

  share(): PoolShare {
    return shareOf(this.plan, 0, this.assignment.poolAt(0).left(), this.now, this.assignment.before?.[0])!
  }

  readonly #idOf = (name: string, at: string): number =>
    at === address(Number(name.slice(3))) ? (this.plan.idOf.get(name) ?? 0) : 0

  /** follow another node; as the engine does, by a new generation where this one has no room for a table of before. */
  follow(share: PoolShare): number | Unfollowed {
    const options = { idOf: this.#idOf, now: this.now, storeBefore: () => {} }
    const found = this.assignment.follow(0, { share, at: this.now }, options)
    if (found !== 'before') return found
    this.edit(this.#servers, share)
    return this.assignment.follow(0, { share, at: this.now }, { ...options, idOf: this.#idOf })
  }
}

const server = fc.integer({ min: 1, max: 6 })
const file = fc.uniqueArray(server, { minLength: 2, maxLength: 6 })
const happening = fc.oneof(
  fc.record({ kind: fc.constant('share' as const), server, share: fc.integer({ min: 0, max: 10 }) }),
  fc.record({ kind: fc.constant('reach' as const), server, isReachable: fc.boolean() }),
  fc.record({ kind: fc.constant('edit' as const), servers: file }),
  fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 0, max: 2 * LIFE }) }),
)
const history = fc.array(happening, { maxLength: 12 })

function nodeAfter(first: readonly number[], past: readonly Happening[], last: readonly number[]): Node {
  const node = new Node(first)
  for (const each of past) node.happens(each)
  node.edit(last)
  return node
}

test('whatever has happened to two nodes, with one file and one view every slot has one server on both', () => {
  fc.assert(
    fc.property(
      fc.tuple(
        file,
        history,
        file,
        history,
        file,
        fc.array(fc.tuple(server, fc.integer({ min: 0, max: 10 }))),
      ),
      ([first, past, other, otherPast, last, seen]) => {
        const nodes = [nodeAfter(first, past, last), nodeAfter(other, otherPast, last)]
        for (const node of nodes) node.agree(new Map(seen))
        assert.deepEqual(nodes[0]!.current(), nodes[1]!.current())
      },
    ),
    { numRuns: 60, includeErrorInReport: true },
  )
})

test('a node that follows gives each flow of the other whom it has there, and what is new whom it sees itself', () => {
  fc.assert(
    fc.property(fc.tuple(file, history, file, history, file), ([first, past, other, otherPast, last]) => {
      const active = nodeAfter(first, past, last)
      const backup = nodeAfter(other, otherPast, last)
      const own = backup.current()
      assert.equal(typeof backup.follow(active.share()), 'number')
      assert.deepEqual(backup.current(), own, 'who takes what is new is for each node to see')
      const theirs = active.current()
      for (const [slot, word] of backup.words.entries()) {
        const there = active.words[slot]!
        // nobody's flows go to whoever is there now
        const settled = active.named(settledOf(there))
        assert.equal(
          backup.named(settledOf(word)),
          settled === 'nobody' ? own[slot] : settled,
          `slot ${slot}`,
        )
        const matters = (there & SLOT_RECORDS) !== 0 || (own[slot] !== theirs[slot] && settled !== 'nobody')
        assert.equal((word & SLOT_RECORDS) !== 0, matters, `slot ${slot}: ${theirs[slot]}, ${own[slot]}`)
      }
    }),
    { numRuns: 60, includeErrorInReport: true },
  )
})

test('what was followed settles when its life is over, counted from where the other node had it, not from here', () => {
  const [active, backup] = [new Node([1, 2, 3]), new Node([3, 2, 1])]
  const clean = [...backup.words]
  backup.now = 5_000_000
  active.happens({ kind: 'share', server: 2, share: 0 })
  active.now += LIFE / 2
  for (const node of [active, backup]) node.happens({ kind: 'share', server: 2, share: 0 })
  backup.follow(active.share())
  const marked = [...backup.words].filter((word) => (word & SLOT_RECORDS) !== 0)
  assert.ok(marked.length > 300 && marked.every((word) => backup.named(settledOf(word)) === 'web2'))
  backup.now += 2 * LIFE
  assert.equal(backup.assignment.expire(backup.now), 0, 'no time passes while another node leads')
  backup.now -= 2 * LIFE
  backup.assignment.poolAt(0).lead()
  assert.equal(backup.assignment.expire(backup.now + LIFE / 2 - 1_000), 0)
  assert.equal(backup.assignment.expire(backup.now + LIFE / 2), marked.length)
  assert.ok(backup.words.every((word) => settledOf(word) === currentOf(word)))
  backup.happens({ kind: 'share', server: 2, share: 10 })
  assert.deepEqual(
    backup.current(),
    clean.map((word) => backup.named(currentOf(word))),
  )
})

test('UDP flows of slots that both see otherwise are learned here, and not those that the other has learned', () => {
  const [active, backup] = [new Node([1, 2, 3]), new Node([1, 2, 3])]
  backup.happens({ kind: 'share', server: 1, share: 5 })
  backup.follow(active.share())
  const differing = [...backup.words].filter((word) => settledOf(word) !== currentOf(word))
  assert.ok(differing.length > 100)
  assert.ok(differing.every((word) => (word & SLOT_LEARN) !== 0 && (word & SLOT_RECORDS) !== 0))
  active.happens({ kind: 'share', server: 1, share: 5 })
  active.now += 1_000 * TIMEOUTS.udp
  active.assignment.expire(active.now)
  backup.follow(active.share())
  assert.ok(backup.words.every((word) => (word & SLOT_LEARN) === 0))
})

test('a server that this node does not have is followed by nobody, and a table of another version not at all', () => {
  const [active, backup] = [new Node([1, 2, 3]), new Node([1, 2])]
  assert.equal(backup.follow({ ...active.share(), digest: 1 }), 'other')
  for (const slots of [1_021, 655_373]) assert.equal(backup.follow({ ...active.share(), slots }), 'other')
  assert.equal(typeof backup.follow(active.share()), 'number')
  for (const [slot, word] of backup.words.entries()) {
    const settled = active.named(settledOf(active.words[slot]!))
    const here = backup.named(currentOf(word))
    assert.equal(
      word,
      slotWord(currentOf(word), backup.plan.idOf.get(settled) ?? currentOf(word), word & 0xc0000000),
    )
    if (settled === 'web3')
      assert.equal((word & SLOT_RECORDS) !== 0, false, `${here} has no flows to look up`)
  }
})
