// What stories of tracked flows are told with: small flow tables, a clock that is a word, pools whose slots all have one
// word, so that no hash need be computed to tell the slot. Names say what is special.

import type { ServiceShape } from '../shape.ts'
import { countingFixtures } from './counting-fixtures.ts'
import { back, type Fixture, fixture, keysOf, listener, vip, vip6 } from './fixture.ts'
import { wordOff } from './fixtures6.ts'
import { persistentFixtures } from './persistent-fixtures.ts'
import { flowsOf } from './story-flows.ts'

const others = [{ number: 1, ifindex: 3, mac: back }]

const changes: ServiceShape = { track: 'changes', onFailure: 'keep', hash: 'flow' }
const all: ServiceShape = { ...changes, track: 'all' }
const resets: ServiceShape = { ...changes, onFailure: 'reset' }
const none: ServiceShape = { ...changes, track: 'none' }

const dual = [
  listener(vip, 80),
  listener(vip, 53, 1, 1, 'udp'),
  listener(vip6, 80, 2, 1),
  listener(vip6, 53, 3, 0, 'udp'),
  listener(vip6, 69, 1, 1, 'udp'),
]

/** The vip6 and eight addresses that differ from it in the lowest or the highest bit of one word. */
const words = [vip6, ...[0, 1, 2, 3].flatMap((word) => [wordOff(word, 1), wordOff(word, 0x80000000)])]

/** flowFixtures by name. */
export const flowFixtures = {
  /** One TCP listener of a service with `track: changes`; 64 buckets. */
  changes: fixture({ services: [changes], flows: flowsOf(256) }),
  'changes-jumbo': fixture({ services: [changes], flows: flowsOf(256), jumbo: true }),
  /** Server 2 is behind another interface. */
  far: fixture({ services: [changes], flows: flowsOf(256), others, via: { 2: 1 } }),
  'far-resets-jumbo': fixture({
    services: [resets],
    flows: flowsOf(256),
    others,
    via: { 2: 1 },
    jumbo: true,
  }),
  'far-mixed': fixture({
    listeners: dual,
    pools: [1, 1],
    services: [resets, changes, { ...all, onFailure: 'reset' }, none],
    flows: flowsOf(256),
    others,
    via: { 2: 1 },
  }),
  all: fixture({ services: [all], flows: flowsOf(256) }),
  resets: fixture({ services: [resets], flows: flowsOf(256) }),
  'resets-jumbo': fixture({ services: [resets], flows: flowsOf(256), jumbo: true }),
  /** One bucket, which is both of any flow. */
  tiny: fixture({ services: [changes], flows: flowsOf(4) }),
  /** Four new records a second. */
  capped: fixture({ services: [changes], flows: flowsOf(256, 4) }),
  udp: fixture({
    listeners: [listener(vip, 53, 0, 0, 'udp')],
    services: [changes],
    flows: flowsOf(256),
  }),
  'udp-capped': fixture({
    listeners: [listener(vip, 53, 0, 0, 'udp')],
    services: [changes],
    flows: flowsOf(256, 1),
  }),
  'udp-tiny': fixture({
    listeners: [listener(vip, 53, 0, 0, 'udp')],
    services: [all],
    flows: flowsOf(4),
  }),
  six: fixture({ listeners: [listener(vip6, 80)], services: [changes], flows: flowsOf(256) }),
  /** Nine addresses that differ from each other in one bit of one word. */
  'six-words': fixture({
    listeners: words.map((address) => listener(address, 80)),
    services: [changes],
    flows: flowsOf(256),
  }),
  'six-resets': fixture({ listeners: [listener(vip6, 80)], services: [resets], flows: flowsOf(256) }),
  /** Both families, both protocols; the services keep, reset, track all and do not track. */
  mixed: fixture({
    listeners: dual,
    pools: [1, 1],
    services: [resets, changes, { ...all, onFailure: 'reset' }, none],
    flows: flowsOf(256),
  }),
  /** The same with more listeners than are compared by instructions. */
  tabled: fixture({
    listeners: [
      ...dual,
      ...Array.from({ length: 70 }, (_, i) => listener(`203.0.113.${1 + i}`, 80, 4 + (i % 2), i % 2)),
    ],
    pools: [1, 1],
    services: [resets, changes, { ...all, onFailure: 'reset' }, none, changes, resets],
    flows: flowsOf(256),
  }),
  /** Slots by the source address: its little-endian word, whatever the port. */
  source: fixture({
    listeners: [listener(vip, 80), listener(vip, 81)],
    services: [{ ...changes, hash: 'source' }],
    keys: keysOf({ 1: 1n << 32n, 2: 1n << 32n }),
    flows: flowsOf(256),
  }),
  /** The hash is the source port, its low octet first, but for service 1, whose flows are chosen for by source. */
  'source-and-flow': fixture({
    listeners: [listener(vip, 80), listener(vip, 81, 1)],
    services: [changes, { ...changes, hash: 'source' }],
    keys: keysOf({ 2: 1n << 48n }),
    flows: flowsOf(256),
  }),
  /** The only listener's pool is the second. */
  'second-pool': fixture({
    listeners: [listener(vip, 80, 0, 1)],
    pools: [1, 1],
    services: [resets],
    flows: flowsOf(256),
  }),
  /** Two pools that had other sizes before, and one that had not; the hash is the source address, as below. */
  before: fixture({
    listeners: [listener(vip, 80), listener(vip, 81, 0, 1), listener(vip, 82, 0, 2)],
    pools: [1, 1, 1],
    services: [changes],
    flows: flowsOf(256),
    keys: keysOf({ 1: 1n << 32n }, [0, 1, 2]),
    before: [new Uint32Array(509), new Uint32Array(0), new Uint32Array(2_039)],
  }),
  /** The same with one pool and a hash that is the source address as a little-endian word. */
  'before-by-address': fixture({
    services: [changes],
    keys: keysOf({ 1: 1n << 32n }, [0, 1, 2]),
    flows: flowsOf(256),
    before: [new Uint32Array(509)],
  }),
  ...persistentFixtures,
  ...countingFixtures,
} satisfies Record<string, Fixture>

export type FlowFixtureName = keyof typeof flowFixtures
