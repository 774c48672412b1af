// Shapes with UDP listeners at IPv4 addresses, alone and beside TCP ones.

import { allBut, type Fixture, fixture, keysOf, listener, vip } from './fixture.ts'

/** Two protocols in turn at each of 35 ports; a service each, pool 0 is TCP's, pool 1 UDP's. */
const bothSeventy = Array.from({ length: 70 }, (_, i) =>
  listener(vip, 8_001 + (i >> 1), i, i % 2, i % 2 ? 'udp' : 'tcp'),
)

/** fixturesUdp by name. Where there are two pools, pool p holds server p + 1. */
export const fixturesUdp = {
  /** One UDP listener. */
  udp: fixture({ listeners: [listener(vip, 53, 0, 0, 'udp')] }),
  /** The same on an interface whose frames may span several buffers. */
  'udp-jumbo': fixture({ jumbo: true, listeners: [listener(vip, 53, 0, 0, 'udp')] }),
  /** Port 53 in both protocols, port 80 in TCP, port 69 in UDP; a service each, TCP in pool 0. */
  both: fixture({
    listeners: [
      listener(vip, 53),
      listener(vip, 53, 1, 1, 'udp'),
      listener(vip, 80, 2),
      listener(vip, 69, 3, 1, 'udp'),
    ],
    pools: [1, 2],
  }),
  'both-seventy': fixture({ listeners: bothSeventy, pools: [1, 2] }),
  /** TCP at one address, UDP at another, the same port. */
  apart: fixture({
    listeners: [listener(vip, 53), listener('192.0.2.11', 53, 1, 1, 'udp')],
    pools: [1, 2],
  }),
  'udp-nobody': fixture({ listeners: [listener(vip, 53, 0, 0, 'udp')], pools: [0] }),
  /** The hash is the source port, its low octet first; slot 797 holds server 2. */
  'udp-by-port': fixture({
    listeners: [listener(vip, 53), listener(vip, 53, 1, 0, 'udp')],
    keys: keysOf({ 2: 1n << 48n }),
    pools: [allBut(797)],
  }),
  /** The hash is the source address as a little-endian word; slot 797 holds server 2. */
  'udp-by-address': fixture({
    listeners: [listener(vip, 53, 0, 0, 'udp')],
    keys: keysOf({ 1: 1n << 32n }, [0, 1, 2]),
    pools: [allBut(797)],
  }),
} satisfies Record<string, Fixture>
