// For tests: packets of clients and of floods, as the recorder would have them.

import type { Ip4, Ip6 } from '../base/addresses.ts'
import { TCP_FLAGS } from '../dataplane/rule.ts'
import type { Facts, Seen } from './facts.ts'

/** randomOf a seed: 0..1, the same again each time (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const ip4 = (n: number) => (n >>> 0) as Ip4
/** SERVICE: where packets go. */
const SERVICE = { destination: ip4(0x0a000064), port: 80 }

/** SYSTEMS: what SYNs of clients look like: Linux, Windows, macOS, an old one. */
const SYSTEMS: readonly Pick<Facts, 'window' | 'length'>[] = [
  { window: 64_240, length: 60 },
  { window: 64_240, length: 52 },
  { window: 65_535, length: 64 },
  { window: 8_192, length: 48 },
]

/** clients: so many connections a second that go on, each with `later` more packets, of which `part` is recorded. */
export function clients(
  from: number,
  seconds: number,
  perS: number,
  { later = 6, part = 1, seed = 1 } = {},
): Seen[] {
  const random = randomOf(seed)
  const all: Seen[] = []
  for (let i = 0; i < seconds * perS; i++) {
    const at = from + (i * 1000) / perS
    const source = ip4(0x0a000000 + Math.floor(random() * 50_000))
    const sourcePort = 1024 + Math.floor(random() * 60_000)
    const system = SYSTEMS[Math.floor(random() * SYSTEMS.length)]!
    const ttl = 64 - Math.floor(random() * 20)
    const facts = { ...SERVICE, protocol: 'tcp', source, sourcePort, options: 'some', ttl } as const
    all.push({ at, isOpening: true, facts: { ...facts, ...system, flags: TCP_FLAGS.syn } })
    const others = { ...facts, window: 501, length: 52, flags: TCP_FLAGS.ack }
    for (let k = 0; k < later; k++)
      if (random() < part) all.push({ at: at + 5 + k, isOpening: false, facts: others })
  }
  return all.sort((a, b) => a.at - b.at)
}

/** flood of SYNs that nobody follows up; `shape`: what they have in common. */
export function flood(
  from: number,
  seconds: number,
  perS: number,
  {
    shape = {},
    sources = 65_536,
    is6 = false,
    seed = 2,
  }: { shape?: Partial<Facts>; sources?: number; is6?: boolean; seed?: number } = {},
): Seen[] {
  const random = randomOf(seed)
  return Array.from({ length: seconds * perS }, (_, i) => {
    const n = Math.floor(random() * sources)
    // property by property: behind a spread V8 adds each of them slowly, thirty times as slowly in all
    const facts: Facts = {
      destination: SERVICE.destination,
      port: SERVICE.port,
      protocol: 'tcp',
      source: is6 ? (((0x2001_0db8n << 96n) | BigInt(n)) as Ip6) : ip4(0xc6120000 + n),
      sourcePort: Math.floor(random() * 65_536),
      flags: TCP_FLAGS.syn,
      window: Math.floor(random() * 65_536),
      options: 'some',
      length: 40 + 4 * Math.floor(random() * 6),
      ttl: 1 + Math.floor(random() * 255),
    }
    return { at: from + (i * 1000) / perS, isOpening: true, facts: Object.assign(facts, shape) }
  })
}

/** datagrams: queries of clients, of lengths as they come. */
export function datagrams(from: number, seconds: number, perS: number, seed = 5): Seen[] {
  const random = randomOf(seed)
  const hex = () =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0')
  return Array.from({ length: seconds * perS }, (_, i) => ({
    at: from + (i * 1000) / perS,
    isOpening: false,
    facts: {
      ...{ ...SERVICE, protocol: 'udp', source: ip4(0x0a000000 + Math.floor(random() * 50_000)) },
      ...{ sourcePort: 1024 + Math.floor(random() * 60_000), length: 55 + Math.floor(random() * 40) },
      ...{ ttl: 64 - Math.floor(random() * 20), head: hex(), next: '00010000' },
    },
  }))
}

/** slowOnes: connections that say a line every five seconds, of so many sources; `everyMs`: from one to the next. */
export function slowOnes(
  from: number,
  seconds: number,
  count: number,
  sources: number,
  everyMs = 5_000,
): Seen[] {
  const random = randomOf(9)
  return Array.from({ length: count }, (_, i): Seen[] => {
    const at = from + Math.floor(random() * 1_000)
    const source = ip4(0xc6130000 + (i % sources))
    const facts = {
      ...SERVICE,
      protocol: 'tcp',
      source,
      sourcePort: 1024 + i,
      options: 'some',
      ttl: 64,
    } as const
    return [
      { at, isOpening: true, facts: { ...facts, window: 64_240, length: 60, flags: TCP_FLAGS.syn } },
      { at: at + 1, isOpening: false, facts: { ...facts, window: 502, length: 52, flags: TCP_FLAGS.ack } },
      ...Array.from({ length: Math.floor((seconds * 1000) / everyMs) }, (_, k) => ({
        at: at + 2 + k * everyMs,
        isOpening: false,
        facts: { ...facts, window: 502, length: 74, flags: TCP_FLAGS.ack | TCP_FLAGS.psh },
      })),
    ]
  })
    .flat()
    .sort((a, b) => a.at - b.at)
}
