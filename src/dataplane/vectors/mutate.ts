// Frames for the differential fuzz: mostly a sound segment or datagram to one of the fixture's listeners, with one or
// more mutations that aim at what the packet path decides by. It writes bytes directly, without the packet builder,
// because a run wants a million of them; IPv4's checksum is sound, or one of RFC 1624's corners, or random, those of
// TCP and UDP are nobody's business here.

import { type Ip6, isIp4, macBytes } from '../../base/addresses.ts'
import { checksum } from '../../wire/checksum.ts'
import { ip6Bytes } from '../../wire/ipv6.ts'
import { currentOf, type ListenerShape } from '../shape.ts'
import { FIRST_PORT, PORTS } from '../turn.ts'
import { insert, put, put16, put32 } from './bytes.ts'
import type { Fixture } from './fixture.ts'
import { flip, ipv4Mutations, linkMutations, type Mutation } from './mutations.ts'
import { errors4, errors6 } from './mutations-errors.ts'
import { createFragments } from './mutations-fragments.ts'
import { ipv6Mutations } from './mutations6.ts'
import { createRandom, type Random } from './random.ts'

/** FrameOptions: lengths in bytes. A test run takes no frame below 14. */
export interface FrameOptions {
  readonly shortest?: number
  readonly longest?: number
}

const onIpv4: readonly Mutation[] = [...linkMutations, ...ipv4Mutations, ...errors4]
const onIpv6: readonly Mutation[] = [...linkMutations, ...ipv6Mutations, ...errors6]

/** Target: a listener, and its address in 16 bytes; an IPv4 one as its last four. */
interface Target extends ListenerShape {
  readonly octets: Uint8Array
}
const targetOf = (listener: ListenerShape): Target => ({
  ...listener,
  octets: ip6Bytes(BigInt(listener.address) as Ip6),
})

/** Ports, and for TCP the rest of its header. */
function writeTransport(frame: Uint8Array, at: number, isTcp: boolean, port: number, random: Random): void {
  put16(frame, at, random.oneIn(20) ? random.pick([0, 65_535]) : random.word() & 0xffff)
  put16(frame, at + 2, port)
  if (!isTcp) {
    put16(frame, at + 4, random.oneIn(4) ? random.word() & 0xffff : frame.length - at)
    put16(frame, at + 6, random.word() & 0xffff)
    return
  }
  put32(frame, at + 4, random.word())
  frame[at + 12] = 0x50
  frame[at + 13] = random.below(256)
}

/** A port of the listener; of a range one of either end or beside, or any within. */
function portOf({ port, lastPort = port }: ListenerShape, random: Random): number {
  if (lastPort === port) return port
  return random.pick([port, lastPort, port - 1, lastPort + 1, port + random.below(lastPort - port)]) & 0xffff
}

/** A segment or datagram to the listener; now and then in the other protocol, or in the other family. */
function soundFrame(listener: Target, own: Uint8Array, random: Random): Uint8Array {
  const payload = random.pick([0, 0, 0, 6, 1, random.below(64), random.oneIn(8) ? 1_440 : 10])
  const isTcp = (listener.protocol === 'tcp') !== random.oneIn(16)
  const isIpv4 = isIp4(listener.address) !== random.oneIn(16)
  const header = isTcp ? 20 : 8
  const at = isIpv4 ? 34 : 54
  const frame = new Uint8Array(at + header + payload)
  put(frame, 0, own)
  put32(frame, 6, random.word())
  // short payloads may be padding, which no length covers
  const length = random.oneIn(4) ? header : header + payload
  const hops = 2 + random.below(254)
  const protocol = isTcp ? 6 : 17
  if (isIpv4) {
    put16(frame, 12, 0x0800)
    frame[14] = 0x45
    put16(frame, 16, 20 + length)
    put16(frame, 18, random.word() & 0xffff)
    put16(frame, 20, random.oneIn(2) ? 0x4000 : 0)
    frame[22] = hops
    frame[23] = protocol
    put32(frame, 26, random.word())
    put(frame, 30, listener.octets.subarray(12))
    put16(frame, 24, checksum(frame.subarray(14, 34)))
  } else {
    put16(frame, 12, 0x86dd)
    put32(frame, 14, (0x60000000 | (random.word() >>> 4)) >>> 0)
    put16(frame, 18, length)
    frame[20] = protocol
    frame[21] = hops
    for (let word = 22; word < 38; word += 4) put32(frame, word, random.oneIn(8) ? 0 : random.word())
    put(frame, 38, listener.octets)
  }
  writeTransport(frame, at, isTcp, portOf(listener, random), random)
  return frame
}

/** Sent by a server that may be in a slot of the listener's pool, as it says itself, or by a router of its MAC. */
function fromServer(frame: Uint8Array, { pool }: Target, { tables }: Fixture, random: Random): void {
  const words = tables.slots[pool]!
  const server = tables.servers[currentOf(words[random.below(words.length)]!)]
  if (!server?.address) return
  put(frame, 6, macBytes(server.mac))
  if (random.oneIn(8)) flip(frame, 6 + random.below(6), random)
  const isIpv6 = frame[12] === 0x86
  const octets = ip6Bytes(BigInt(server.address) as Ip6)
  if (!random.oneIn(8)) put(frame, isIpv6 ? 22 : 26, isIpv6 ? octets : octets.subarray(12))
  if (random.oneIn(8)) flip(frame, (isIpv6 ? 22 : 26) + random.below(isIpv6 ? 16 : 4), random)
}

/** From the listener, as a server answers a check that went through its address. */
function toCheck(frame: Uint8Array, { octets }: Target, { shape }: Fixture, random: Random): void {
  const isIpv6 = frame[12] === 0x86
  const own = random.pick(shape.turn!.addresses.filter((address) => isIp4(address) !== isIpv6))
  const ownOctets = ip6Bytes(BigInt(own) as Ip6)
  put(frame, isIpv6 ? 22 : 26, isIpv6 ? octets : octets.subarray(12))
  put(frame, isIpv6 ? 38 : 30, isIpv6 ? ownOctets : ownOctets.subarray(12))
  put16(frame, isIpv6 ? 56 : 36, random.oneIn(8) ? random.word() & 0xffff : FIRST_PORT + random.below(PORTS))
}

function noise(own: Uint8Array, random: Random): Uint8Array {
  const frame = Uint8Array.from({ length: random.below(160) }, () => random.below(256))
  if (random.oneIn(2)) put(frame, 0, own)
  if (random.oneIn(2)) put16(frame, 12, random.pick([0x0800, 0x86dd]))
  return frame
}

/** createFrames: each call gives the next frame, a new array; the same seed gives the same frames. */
export function createFrames(fixture: Fixture, seed: number, options: FrameOptions = {}): () => Uint8Array {
  const { shortest = 14, longest = 1_514 } = options
  const { listeners, mac } = fixture.shape
  const targets = listeners.map(targetOf)
  const random = createRandom(seed)
  const own = macBytes(mac)
  const fragments = createFragments(random)

  return () => {
    const target = random.pick(targets)
    let frame = random.oneIn(50) ? noise(own, random) : soundFrame(target, own, random)
    if (frame.length >= 54 && random.oneIn(8)) fromServer(frame, target, fixture, random)
    else if (frame.length >= 58 && fixture.shape.turn && random.oneIn(8))
      toCheck(frame, target, fixture, random)
    const part = random.below(24)
    if (part === 0) frame = fragments.first(frame)
    if (part === 1 || part === 2) frame = fragments.later() ?? frame
    while (!random.oneIn(3)) {
      const isIpv6 = frame[12] === 0x86 && frame[13] === 0xdd
      frame = random.pick(isIpv6 ? onIpv6 : onIpv4)(frame, random)
    }
    if (frame.length < shortest) return insert(frame, frame.length, shortest - frame.length)
    return frame.length > longest ? frame.slice(0, longest) : frame
  }
}
