// What the differential fuzz of nat is made of: a fuzz fixture some of whose services are translated, many to one port;
// packets of few clients and ports, so that flows meet; and what servers would answer to what was forwarded, now and then
// changed on its way: in fragments, in tagged frames, and errors in its place.

import { type Ip4, type Ip6, isIp4, macBytes } from '../../base/addresses.ts'
import type { Outcome } from '../model.ts'
import { TIMEOUTS } from '../shape.ts'
import { insert, put16 } from './bytes.ts'
import type { Fixture } from './fixture.ts'
import type { FuzzShape } from './fuzz-fixtures.ts'
import { createFlowFrames, fuzzFlowFixture } from './fuzz-flows.ts'
import { errors4, errors6 } from './mutations-errors.ts'
import { createFragments } from './mutations-fragments.ts'
import { createRandom, type Random } from './random.ts'

const KEPT = 64

/** fuzzNatFixture: services with nat beside others; server ids have IPv4 addresses, or where there are
 * IPv6 listeners, IPv6 ones whose words behind the first are 0, as those of an IPv4 target are. */
export function fuzzNatFixture(shape: FuzzShape, seed: number): Fixture {
  const { shape: base, tables } = fuzzFlowFixture(shape, seed)
  const random = createRandom(seed ^ 0x4a75)
  const services = base.services.map((service, i) =>
    i === 0 || !random.oneIn(3)
      ? { ...service, track: 'all' as const, nat: { port: random.pick<number>([0, 80, 80, 80]) } }
      : service,
  )
  const hasIpv6 = base.listeners.some(({ address }) => !isIp4(address))
  return {
    shape: {
      ...base,
      services,
      flows: { ...base.flows!, entries: random.pick<number>([4, 16, 256]), idle: TIMEOUTS },
    },
    tables: {
      ...tables,
      // few addresses, so that servers share some; now and then that of some client is on its network
      servers: tables.servers.map((server, id) => {
        const near = random.oneIn(6)
        const word = near ? (hasIpv6 && random.oneIn(2) ? 0x2020_2020 : 0xc633_6400) : 0x0a00_0001 + (id % 3)
        return {
          ...server,
          address: hasIpv6 ? ((BigInt(word) << 96n) as Ip6) : (word as Ip4),
          ...((near || random.oneIn(4)) && { network: random.pick([8, 24, 31, 32, hasIpv6 ? 33 : 30]) }),
        }
      }),
    },
  }
}

/** NatFrames: the next packet, and what became of the last one. */
export interface NatFrames {
  next(): Uint8Array
  learn(outcome: Outcome): void
}

/** portsAt: where the ports of a frame of IPv4 or IPv6 are, if it is long enough; without options of IPv6. */
const portsAt = (frame: Uint8Array): number => (frame[12] === 0x86 ? 54 : 14 + 4 * (frame[14]! & 0xf))

/** turned: the answer to a frame of IPv4 or IPv6 that was forwarded with its ports; checksums stay, which change by differences only. */
function turned(frame: Uint8Array, own: Uint8Array): Uint8Array {
  const answer = frame.slice()
  const isIpv6 = frame[12] === 0x86
  const [from, width] = isIpv6 ? [22, 16] : [26, 4]
  answer.copyWithin(from, from + width, from + 2 * width)
  answer.set(frame.subarray(from, from + width), from + width)
  const at = portsAt(frame)
  answer.set(frame.subarray(at + 2, at + 4), at)
  answer.set(frame.subarray(at, at + 2), at + 2)
  answer.set(own, 0)
  answer.set(frame.subarray(0, 6), 6)
  return answer
}

/** behindTags: the frame, now and then behind one tag or two. */
function behindTags(frame: Uint8Array, random: Random): Uint8Array {
  if (!random.oneIn(4)) return frame
  const tagged = insert(frame, 12, random.pick([4, 4, 8]))
  for (let at = 12; at < tagged.length - frame.length + 12; at += 4)
    put16(tagged, at, random.pick([0x8100, 0x88a8]))
  return tagged
}

/** createNatFrames: packets of clients and, as often, answers; the same seed and outcomes give the same. */
export function createNatFrames(fixture: Fixture, seed: number): NatFrames {
  const random = createRandom(seed ^ 0x7a17)
  const requests = createFlowFrames(fixture, seed)
  const own = macBytes(fixture.shape.mac)
  const answers: Uint8Array[] = []
  const fragments = createFragments(random)
  /** An error about what is answered, or a fragment of the answer, or of an earlier one. */
  const belonging = (answer: Uint8Array): Uint8Array => {
    const about = answer[12] === 0x86 ? errors6 : errors4
    switch (random.below(4)) {
      case 0:
        return fragments.first(answer)
      case 1:
        return fragments.later() ?? answer
      default: {
        const error = about[0]!(answer, random)
        return random.oneIn(6) ? random.pick(about.slice(1))(error, random) : error
      }
    }
  }
  return {
    next: () => {
      if (answers.length === 0 || random.oneIn(2)) {
        const frame = requests()
        // few clients and ports: flows of several listeners meet at one server's port
        if (frame.length > 37 && !random.oneIn(4)) {
          if (frame[12] === 0x86) frame.fill(0x20, 22, 37)
          else frame.set([198, 51, 100], 26)
          frame[frame[12] === 0x86 ? 37 : 29] = random.below(2)
        }
        const at = portsAt(frame)
        if (frame.length > at + 1 && !random.oneIn(4)) frame.set([0x9c, random.below(2)], at)
        if (random.oneIn(3)) frame[11] = random.below(4)
        return frame
      }
      const answer = random.pick(answers).slice()
      const at = portsAt(answer)
      if (answer.length > at + 13 && random.oneIn(2))
        answer[at + 13] = random.pick<number>([0x10, 0x12, 0x11, 0x04])
      const frame = behindTags(random.oneIn(2) ? answer : belonging(answer), random)
      if (random.oneIn(4)) frame[random.below(frame.length)] = random.below(256)
      return random.oneIn(9) ? frame.slice(0, 14 + random.below(frame.length - 14)) : frame
    },
    learn: ({ outcome, frame }) => {
      if (outcome !== 'forwarded' && outcome !== 'redirected') return
      if (frame.length >= portsAt(frame) + 4)
        answers[Math.min(random.below(KEPT), answers.length)] = turned(frame, own)
    },
  }
}
