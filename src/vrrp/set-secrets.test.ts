// Keys that are exchanged on one node after the other: in whatever order, all take what each sends.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { formatIp, parseIp } from '../base/addresses.ts'
import { composeAdvert } from './compose.ts'
import { membersOf, routerOf } from './members.ts'
import { SetSecrets } from './set-secrets.ts'
import { setSpec } from './spec.fixture.ts'
import type { SetSpec } from './spec.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenbin-exchange-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const [OLD, NEW] = ['old', 'new'].map((name) => {
  writeFileSync(join(folder, name), name.repeat(12))
  return join(folder, name)
}) as [string, string]
type More = Partial<SetSpec>
const keys = (...files: string[]): More => (files.length === 0 ? {} : { auth: { kind: 'hmac', files } })
const second = (advertMs: number, file?: string): More => ({
  ...{ version: 2, advertMs },
  ...(file !== undefined && { auth: { kind: 'pass', file } }),
})
const routerAt = (address: string, more: More) => {
  const spec = setSpec(more)
  return routerOf(spec, membersOf(spec)[0]!, 100, parseIp(address))
}
const MINUTE = 60_000
/** GAP: between two nodes. */
const GAP = 29_000
const group = parseIp('224.0.0.18')
let sequence = 0n

class Node {
  readonly secrets = new SetSecrets({ begin: () => undefined })

  router

  constructor(address: string, more: More) {
    this.router = routerAt(address, more)
    this.secrets.read(setSpec(more))
  }

  /** change: as an apply does, at `now`. */
  change(more: More, now: number): void {
    this.router = routerAt(formatIp(this.router.primary), more)
    this.secrets.exchange(setSpec(more), now)
  }

  /** hears an advert of another node at `now`. */
  hears(other: Node, now: number, isBackup = true): string {
    const sent = other.secrets.sending(now)
    const signature = sent.keys[0] && { key: sent.keys[0], number: { boot: 1, sequence: ++sequence } }
    const bytes = composeAdvert({ router: other.router, form: 'rfc5798', ...sent }, 100, group, signature)
    const packet = { source: other.router.primary, destination: group, ttl: 255, bytes }
    const expected = { router: this.router, form: 'rfc5798', peers: undefined, minTtl: 255 } as const
    const judged = this.secrets.judge({ member: 'lan/4', isBackup }, expected, packet, now)
    return judged.kind === 'counts' ? 'counts' : judged.refusal.name
  }
}

const EXCHANGES: readonly (readonly [string, More, ...More[]])[] = [
  ['one key is exchanged for another', keys(OLD), keys(NEW)],
  ['another key comes first, then stays alone', keys(OLD), keys(NEW, OLD), keys(NEW)],
  ['a set gets its first key', keys(), keys(NEW)],
  ['a set has keys no more', keys(OLD), keys()],
  ['a password is another one', second(1000, OLD), second(1000, NEW)],
  ['a set gets a password, then has none', second(1000), second(1000, OLD), second(1000)],
]
for (const [what, from, ...to] of EXCHANGES)
  test(`${what}: whichever node comes first, adverts count for all backups at every step`, () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ] as const) {
      const nodes = [new Node('10.0.0.2', from), new Node('10.0.0.3', from)] as const
      const both = (now: number): string[] => [nodes[0].hears(nodes[1], now), nodes[1].hears(nodes[0], now)]
      to.forEach((auth, step) => {
        for (const [place, at] of order.entries()) {
          const now = step * 2 * MINUTE + place * GAP
          nodes[at].change(auth, now)
          assert.deepEqual(both(now), ['counts', 'counts'], `step ${step}, ${order[place]} has it`)
        }
        for (let now = step * 2 * MINUTE + GAP; now < (step + 1) * 2 * MINUTE; now += 1000)
          assert.deepEqual(both(now), ['counts', 'counts'], `${now} ms`)
      })
    }
  })

test('another interval of version 2 counts for a node that had it before, for a minute', () => {
  const [one, other] = [new Node('10.0.0.2', second(1000)), new Node('10.0.0.3', second(1000))]
  one.change(second(3000), 0)
  assert.deepEqual([one.hears(other, MINUTE - 1), one.hears(other, MINUTE)], ['counts', 'interval-mismatch'])
})

test('a key that was taken away signs for half a minute, and counts for a whole one; then it is refused', () => {
  const [one, other] = [new Node('10.0.0.2', keys(OLD)), new Node('10.0.0.3', keys(OLD))]
  one.change(keys(NEW), 0)
  assert.deepEqual(
    [one.hears(other, MINUTE - 1, false), other.hears(one, MINUTE / 2 - 1)],
    ['counts', 'counts'],
  )
  assert.equal(other.hears(one, MINUTE / 2), 'trailer-key')
  assert.deepEqual([one.hears(other, MINUTE), other.hears(one, MINUTE)], ['trailer-key', 'trailer-key'])
})

test('an advert without a trailer never counts for an active node that has keys, nor when one with one was heard', () => {
  const [one, other] = [new Node('10.0.0.2', keys()), new Node('10.0.0.3', keys())]
  one.change(keys(NEW), 0)
  assert.equal(one.hears(other, 1, false), 'trailer-missing')
  assert.equal(one.hears(other, 1), 'counts')
  other.change(keys(NEW), 2)
  assert.equal(one.hears(other, 2), 'counts')
  assert.equal(one.hears(new Node('10.0.0.4', keys()), 3), 'trailer-missing')
})
