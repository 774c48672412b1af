// What the fuzz's services are defended by: something of everything, each so tight that random packets meet it; SYNs, and the RST
// by which a challenged client proves itself.

import { tryPrefix } from '../../base/prefix.ts'
import { tcpFlag } from '../../wire/tcp.ts'
import { type DefenceShape, type DefenceTables, NO_DEFENCE_TABLES } from '../defence-shape.ts'
import type { Random } from './random.ts'

const IPPROTO_TCP = 6

/** fuzzDefence of so many services. */
export function fuzzDefence(
  random: Random,
  services: number,
): { readonly shape: DefenceShape; readonly tables: DefenceTables } {
  // an eighth of all addresses
  const some = () => [
    tryPrefix(`${32 * random.below(7)}.0.0.0/3`)!,
    tryPrefix(`${(0x2000 * random.below(8)).toString(16)}::/3`)!,
  ]
  return {
    shape: {
      rules: [
        { match: {}, action: 'count', record: false },
        { match: { sourcePorts: [{ first: 0, last: 4_095 }] }, action: 'drop', record: false },
        { match: { ttl: { first: 200, last: 255 } }, action: 'limit', perSecond: 2, record: false },
      ],
      lists: { entries: 64 },
      proof: { sources: 16 },
      sources: { prefix: 24, prefix6: 48, new: true, udp: true, ban: true, entries: 8 },
      ceilings: true,
      known: { flows: 8 },
    },
    tables: {
      ...NO_DEFENCE_TABLES,
      allow: some(),
      deny: some(),
      bans: some().map((prefix) => ({ prefix, until: random.word() })),
      ceiling: 3,
      services: Array.from({ length: services }, (_, i) => ({
        ceiling: i % 2 === 0 ? 4 : 0,
        proof: (['off', 'on', 'auto'] as const)[i % 3]!,
      })),
      proof: { above: 8, below: 3, holdS: 2, rememberS: 60 },
      sources: { newPerS: 1, udpPerS: 1, banS: 4 },
    },
  }
}

/** segmentAt: where the TCP header of a plain packet is; undefined: it is none. */
function segmentAt(frame: Uint8Array): number | undefined {
  const ip = [14, 18, 22].find((at) => [0x0800, 0x86dd].includes(frame[at - 2]! * 0x100 + frame[at - 1]!))
  if (ip === undefined) return undefined
  const isIpv6 = frame[ip]! >> 4 === 6
  if (isIpv6 ? frame[ip + 6] !== IPPROTO_TCP : frame[ip] !== 0x45 || frame[ip + 9] !== IPPROTO_TCP)
    return undefined
  const at = ip + (isIpv6 ? 40 : 20)
  return frame.length < at + 20 ? undefined : at
}

/** synOf: the frame as a SYN, where it is a plain packet of TCP. */
export function synOf(frame: Uint8Array): Uint8Array {
  const at = segmentAt(frame)
  if (at === undefined) return frame
  const syn = Uint8Array.from(frame)
  syn[at + 13] = tcpFlag.SYN
  return syn
}

/** rstOf a client that was challenged; undefined where its SYN was no plain packet. */
export function rstOf(syn: Uint8Array, challenge: Uint8Array): Uint8Array | undefined {
  const at = segmentAt(syn)
  if (at === undefined) return undefined
  const answer = Uint8Array.from(syn)
  answer.set(challenge.subarray(at + 8, at + 12), at + 4)
  answer[at + 13] = tcpFlag.RST
  return answer
}
