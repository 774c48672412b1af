// Fuzz of what comes from the link: adverts of every kind, mutated, most of them with a checksum that is right again, are
// judged and, where they count, handed to machines in both roles, and to one that wanders through whatever states time,
// operators and its group bring it to; where they have secrets, a set that has just exchanged its own judges them, too
// (fuzz-secrets.ts). Nothing may throw; what counts must pass an inspection written a second time, plainly,
// from RFC 9568 7.1 and RFC 3768 7.1; a role changes only as section 6.4 allows; and no advert keeps a backup waiting for longer
// than an interval that can be said.
//
//   npm run -s fuzz:vrrp -- 1000000 [SEED]

import assert from 'node:assert/strict'
import { type Ip, isIp4, parseIp } from '../../src/base/addresses.ts'
import { createRandom, type Random } from '../../src/dataplane/vectors/random.ts'
import { composeAdvert } from '../../src/vrrp/compose.ts'
import type { Event, Heard, RoleName } from '../../src/vrrp/event.ts'
import { step } from '../../src/vrrp/machine.ts'
import { type Expectation, judge, MULTICAST, type Received, type Windows } from '../../src/vrrp/receive.ts'
import { activeDownMs, type VirtualRouter } from '../../src/vrrp/router.ts'
import { initial, type State } from '../../src/vrrp/state.ts'
import { ip6Bytes } from '../../src/wire/ipv6.ts'
import { sealVrrp, vrrpGroup } from '../../src/wire/vrrp.ts'
import { ExchangedSecrets, KEYS, PASSWORDS } from './fuzz-secrets.ts'
import { US } from './machine-stories.ts'

const USAGE = 'usage: npm run -s fuzz:vrrp -- [ADVERTS [SEED]], whole numbers'

/** FuzzResult: how many adverts were judged, and to what; and those that counted, by what they came upon and made of it. */
export interface FuzzResult {
  readonly adverts: number
  readonly verdicts: Readonly<Record<string, number>>
  readonly roles: Readonly<Record<string, number>>
  /** How many counted for who has just exchanged its secrets alone. */
  readonly exchanges: number
}

interface Kind {
  readonly expectation: Expectation
  readonly windows: Windows
  /** A sound advert of a peer, anew each time. */
  readonly make: (random: Random, index: number) => Received
}

const PEER4 = parseIp('192.0.2.6')
const SIX: VirtualRouter = {
  ...US,
  primary: parseIp('fe80::5'),
  addresses: [parseIp('fe80::100'), parseIp('2001:db8::100')],
}
const TWO: VirtualRouter = { ...US, version: 2 }
/** WITHOUT: IPv4, where version 3 may go without pseudo-header. */
const WITHOUT = { source: parseIp('0.0.0.0'), destination: parseIp('0.0.0.0') }

function kindOf(router: VirtualRouter, more: Partial<Expectation> = {}): Kind {
  const expectation = { router, ...MULTICAST, ...more }
  const isV4 = isIp4(router.primary)
  const ends = {
    source: isV4 ? PEER4 : parseIp('fe80::6'),
    destination: more.peers ? router.primary : vrrpGroup[isV4 ? 4 : 6],
  }
  return {
    expectation,
    windows: new Map(),
    make: (random, index) => {
      const when = random.oneIn(4) ? 'before' : 'now'
      const form = random.oneIn(4) ? 'rfc9568' : 'rfc5798'
      const sender = {
        router: { ...router, primary: ends.source },
        form,
        password: expectation.password && PASSWORDS[when],
      } as const
      const number = {
        boot: random.oneIn(16) ? 1 : 2,
        sequence: BigInt(random.oneIn(8) ? index >> 6 : index),
      }
      const isSigned = expectation.keys.length > 0 && !random.oneIn(16)
      const signature = isSigned ? { key: KEYS[when], number } : undefined
      const priority = random.oneIn(16) ? 255 : random.below(256)
      return {
        ...ends,
        ttl: 255,
        bytes: composeAdvert(sender, priority, ends.destination, signature),
      }
    },
  }
}

const kinds: readonly Kind[] = [
  kindOf(US),
  kindOf({ ...US, priority: 255 }, { peers: [PEER4], minTtl: 250 }),
  kindOf(SIX),
  kindOf(TWO),
  kindOf(TWO, { password: PASSWORDS.now }),
  kindOf(US, { keys: [KEYS.now] }),
]

/** mutate changes bytes in place or returns others. */
function mutate(random: Random, bytes: Uint8Array): Uint8Array {
  switch (random.below(7)) {
    case 0:
      return bytes.slice(0, random.below(bytes.length + 1))
    case 1: {
      const longer = new Uint8Array(bytes.length + 1 + random.below(70))
      longer.set(bytes)
      for (let at = bytes.length; at < longer.length; at++) longer[at] = random.below(256)
      return longer
    }
    case 2:
      bytes[random.below(bytes.length)] = random.pick([0, 1, 2, 0x21, 0x31, 0x7f, 0x80, 0xff])
      return bytes
    case 3:
      if (bytes.length > 5) bytes.set([random.pick([0, 0xf0]), random.pick([0, 100])], 4)
      return bytes
    case 4: {
      const at = random.below(Math.min(8, bytes.length))
      bytes[at] = random.below(256)
      return bytes
    }
    default: {
      const bit = random.below(8 * bytes.length)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      return bytes
    }
  }
}

const octets = (ip: Ip): number[] =>
  isIp4(ip) ? [24, 16, 8, 0].map((shift) => (ip >>> shift) & 0xff) : [...ip6Bytes(ip)]

/** isSum: ones' complement sum of 16-bit words is all ones. */
function isSum(bytes: readonly number[]): boolean {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at]! << 8) | (bytes[at + 1] ?? 0)
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16)
  return sum === 0xffff
}

/** inspect: what the RFCs demand of an advert that counts, and what it says; throws where it is otherwise. */
function inspect(
  { router, peers, minTtl, keys }: Expectation,
  { source, destination, ttl, bytes }: Received,
  heard: Heard,
): void {
  const isV4 = isIp4(source)
  const isV3 = router.version === 3
  assert.equal(bytes[0], isV3 ? 0x31 : 0x21)
  assert.equal(bytes[1], router.vrid)
  assert.ok(ttl >= minTtl && (peers === undefined || peers.includes(source)))
  const count = bytes[3]!
  const end = 8 + count * (isV4 ? 4 : 16) + (isV3 ? 0 : 8)
  assert.ok(count > 0 && bytes.length >= end)
  if (keys.length > 0) assert.equal(bytes.length, end + 52)
  const pseudo = [...octets(source), ...octets(destination), 0, 112, 0, bytes.length]
  assert.ok((isV3 && isSum([...pseudo, ...bytes])) || (isV4 && isSum([...bytes])))
  const ms = isV3 ? 10 * (((bytes[4]! & 0xf) << 8) + bytes[5]!) : 1000 * bytes[5]!
  assert.ok(ms > 0 && (isV3 || ms === router.adverMs))
  assert.deepEqual([heard.from, heard.priority, heard.adverMs], [source, bytes[2], ms])
}

/** LONGEST_MS: the longest interval that an advert can say: 12 bits of centiseconds, 8 bits of seconds. */
const LONGEST_MS = { 3: 40_950, 2: 255_000 } as const

/** assertAllowed: what an advert may do to a machine (RFC 9568 6.4.2 and 6.4.3); gives the roles. */
function assertAllowed(
  router: VirtualRouter,
  before: State,
  after: State,
  { priority, from }: Heard,
  now: number,
): readonly [RoleName, RoleName] {
  const hasOverslept = before.phase.role === 'active' && now >= before.phase.deadAt
  const [was, is] = [hasOverslept ? 'backup' : before.phase.role, after.phase.role]
  if (after.phase.role === 'backup') {
    const most = Math.max(before.deferUntil, now + activeDownMs(router, LONGEST_MS[router.version]))
    assert.ok(after.phase.downAt <= most, `waits until ${after.phase.downAt}, at ${now}`)
  }
  if (was === is) return [was, is]
  assert.deepEqual([was, is], ['active', 'backup'])
  assert.ok(priority > router.priority || (priority === router.priority && from > router.primary))
  return [was, is]
}

/** Wanderer: a machine that goes on, and what comes to it between adverts. */
class Wanderer {
  readonly #router: VirtualRouter
  #state = initial
  #now = 0

  constructor(router: VirtualRouter) {
    this.#router = router
  }

  /** wander: time passes, and something happens. */
  wander(random: Random): void {
    this.#now += random.pick([0, 1, 100, 100, 900, 1000, 3700, 60_000])
    const events: readonly Event[] = [
      { kind: 'startup' },
      { kind: 'shutdown', why: 'fuzz' },
      { kind: 'yield', why: 'fuzz', holdMs: random.pick([0, 5000]) },
      { kind: 'join' },
      { kind: 'changed', addresses: random.oneIn(2) },
      { kind: 'tick', mayTake: false },
      { kind: 'tick', mayTake: true },
      { kind: 'tick', mayTake: true },
    ]
    const [after] = step(this.#router, this.#state, random.pick(events), this.#now)
    this.#state = after
  }

  /** hear an advert; what it came upon, and made of it. */
  hear(heard: Heard): string {
    const [after] = step(this.#router, this.#state, { kind: 'advert', ...heard }, this.#now)
    const roles = assertAllowed(this.#router, this.#state, after, heard, this.#now)
    this.#state = after
    return roles.join(' -> ')
  }
}

/** fuzz judges so many adverts; throws at the first that is judged wrongly, with the bytes to repeat it. */
export function fuzz(adverts: number, seed: number, says: (line: string) => void = () => {}): FuzzResult {
  const random = createRandom(seed)
  const verdicts: Record<string, number> = {}
  const count = (name: string): void => {
    verdicts[name] = (verdicts[name] ?? 0) + 1
  }
  const states = kinds.map(({ expectation: { router } }) => {
    const [backup] = step(
      { ...router, priority: Math.min(254, router.priority) },
      initial,
      { kind: 'startup' },
      0,
    )
    const [active] = step(router, backup, { kind: 'join' }, 0)
    return [backup, active] as const
  })
  const wanderers = kinds.map(({ expectation: { router } }) => new Wanderer(router))
  const sets = kinds.map(({ expectation }) =>
    expectation.password || expectation.keys.length > 0 ? new ExchangedSecrets(expectation) : undefined,
  )
  let exchanges = 0
  const roles: Record<string, number> = {}
  const windows = kinds.map((kind) => kind.windows)
  for (let index = 0; index < adverts; index++) {
    const which = random.below(kinds.length)
    const { expectation, make } = kinds[which]!
    let received = make(random, index)
    if (!random.oneIn(10)) {
      let { bytes } = received
      for (let times = 1 + random.below(3); times > 0 && bytes.length > 0; times--)
        bytes = mutate(random, bytes)
      // right again: as it should be, or as IPv4 has it
      if (bytes.length >= 8 && !random.oneIn(4)) {
        const ends = random.oneIn(8) ? WITHOUT : received
        sealVrrp(bytes, ends, random.pick(['rfc5798', 'rfc9568']))
      }
      received = { ...received, bytes }
    }
    if (random.oneIn(20)) received = { ...received, ttl: random.below(256) }
    if (random.oneIn(50)) received = { ...received, source: expectation.router.primary }
    if (random.oneIn(50) && expectation.peers) received = { ...received, source: parseIp('198.51.100.1') }
    try {
      const judged = judge(expectation, windows[which]!, received)
      if (sets[which]?.check(received, judged) && judged.kind === 'refused') exchanges++
      if (judged.kind === 'refused') {
        count(judged.refusal.name)
        continue
      }
      count('counts')
      for (const { name } of judged.remarks) count(name)
      const { heard } = judged
      inspect(expectation, received, heard)
      windows[which] = judged.windows
      for (const state of states[which]!) {
        const [after] = step(expectation.router, state, { kind: 'advert', ...heard }, 1)
        assertAllowed(expectation.router, state, after, heard, 1)
      }
      wanderers[which]!.wander(random)
      const change = wanderers[which]!.hear(heard)
      roles[change] = (roles[change] ?? 0) + 1
    } catch (error) {
      says(`seed ${seed}, advert ${index}: ${Buffer.from(received.bytes).toString('hex')}`)
      throw error
    }
    if ((index + 1) % 100_000 === 0) says(`${index + 1} adverts`)
  }
  return { adverts, verdicts, roles, exchanges }
}

/** main: the command; returns its exit status. */
export function main([adverts = '1000000', seed = `${Date.now() & 0xffffff}`]: readonly string[]): number {
  if (!/^[1-9]\d*$/.test(adverts) || !/^\d+$/.test(seed)) {
    console.error(USAGE)
    return 2
  }
  console.log(`seed ${seed}`)
  console.log(JSON.stringify(fuzz(Number(adverts), Number(seed), console.log)))
  return 0
}

if (process.argv[1]?.endsWith('vrrp/fuzz.ts')) process.exitCode = main(process.argv.slice(2))
