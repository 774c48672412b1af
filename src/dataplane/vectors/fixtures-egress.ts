// Shapes of a node with several interfaces: servers behind the one that a frame came in by, behind another, behind none;
// and servers that know their own addresses in both families.

import { parseMac } from '../../base/addresses.ts'
import type { OtherInterface } from '../shape.ts'
import { back, type Fixture, fixture, listener, vip, vip6 } from './fixture.ts'

const other = (number: number, ifindex = 2 + number, mac = back): OtherInterface => ({ number, ifindex, mac })
/** wide: MACs of the third and fourth interface. */
export const third = parseMac('02:3d:5e:7f:90:b1')
export const fourth = parseMac('02:4e:6f:80:a1:c2')

/** Server 1 is behind interface 0, server 2 behind 1, server 4 behind one that is not there. */
const via = { 2: 1, 4: 7 }
const targets6 = ['2001:db8::21', '2001:db8::22']
const both = [
  listener(vip, 80),
  listener(vip6, 80, 1, 1),
  listener(vip, 53, 2, 1, 'udp'),
  listener(vip6, 53, 3, 0, 'udp'),
]
const seventy = Array.from({ length: 70 }, (_, i) =>
  i % 2 ? listener(vip, 8001 + i, i, 1) : listener(`2001:db8::${(i + 1).toString(16)}`, 80, i, 1),
)

/** fixturesEgress by name. */
export const fixturesEgress = {
  /** Two interfaces; the server in the slots is behind our own. */
  near: fixture({ others: [other(1)], via, pools: [1] }),
  /** The server in the slots is behind the other. */
  far: fixture({ others: [other(1)], via, pools: [2] }),
  'far-jumbo': fixture({ others: [other(1)], via, pools: [2], jumbo: true }),
  'far-lost': fixture({ others: [other(1)], via, pools: [3] }),
  'far-nobody': fixture({ others: [other(1)], via, pools: [0] }),
  /** The server in the slots is behind an interface that there is not. */
  nowhere: fixture({ others: [other(1)], via, pools: [4], servers: 4 }),
  /** The program of the other interface, to which server 1 is the far one. */
  'back-near': fixture({ number: 1, others: [other(0)], via, pools: [2] }),
  'back-lost': fixture({ number: 1, others: [other(0)], via, pools: [3] }),
  'back-far': fixture({ number: 1, others: [other(0)], via, pools: [1] }),
  /** Four interfaces; numbers have holes, the last is the highest that there may be. */
  'far-second': fixture({
    number: 3,
    others: [other(0), other(4, 6, third), other(255, 7, fourth)],
    via: { 1: 4 },
  }),
  'far-last': fixture({
    number: 3,
    others: [other(0), other(4, 6, third), other(255, 7, fourth)],
    via: { 1: 255 },
  }),
  /** A file with one interface, whose number is not 0 because there were others before. */
  alone: fixture({ number: 5, via: { 1: 5 } }),
  /** Both families, both protocols; pool p holds server p + 1. */
  'dual-far': fixture({ listeners: both, others: [other(1)], via, pools: [1, 2] }),
  'six-far': fixture({ listeners: [listener(vip6, 80)], others: [other(1)], via, pools: [2] }),
  'seventy-far': fixture({ listeners: seventy, others: [other(1)], via, pools: [1, 2] }),
  /** The servers' addresses are IPv6. */
  'six-hairpin': fixture({ listeners: [listener(vip6, 80)], targets: targets6 }),
  'dual-hairpin': fixture({ listeners: both, targets: ['192.0.2.21', '2001:db8::22'], pools: [1, 2] }),
} satisfies Record<string, Fixture>
