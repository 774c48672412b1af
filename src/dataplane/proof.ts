// Proof of source in plain TypeScript, for the model (docs/packet-path.md, D; decision 0032): what path-proof.ts does as a
// program, out of the switch, the cookie, the table and the challenge.

import { macBytes } from '../base/addresses.ts'
import { invariant } from '../base/errors.ts'
import { NO_DEFENCE_TABLES } from './defence-shape.ts'
import { perWindow, secondShift, ticksOf } from './flow-clock.ts'
import { timeOf } from './memory.ts'
import { challengeFrame, type Segment } from './proof-challenge.ts'
import { challengeNumber, cookieOf, epochShift, isProof, type Opening } from './proof-cookie.ts'
import { proofSecrets } from './proof-secrets.ts'
import { isAsked, type SwitchSettings, type SwitchState, takeSyn } from './proof-switch.ts'
import { ProvenTable } from './proof-table.ts'
import type { Shape, Tables } from './shape.ts'

/** ProofMemory: what is remembered from packet to packet: by service, and of sources. */
export interface ProofMemory {
  readonly services: readonly SwitchState[]
  readonly words: BigUint64Array
}

/** proofMemory of a shape that has proof: empty, as the maps begin. */
export const proofMemory = (shape: Shape): ProofMemory => ({
  services: shape.services.map(() => ({ second: 0, count: 0, until: 0 })),
  words: new BigUint64Array(shape.defence?.proof?.sources ?? 0),
})

/** ProofModel: each at a time in jiffies. */
export interface ProofModel {
  /** Whether a RST proves its source, which is remembered then. */
  take(segment: Segment, service: number, jiffies: number): boolean
  /** Whether a SYN, which is counted, has to be challenged. */
  wanted(segment: Segment, service: number, jiffies: number): boolean
  /** The challenge to a SYN. */
  challenge(segment: Segment, jiffies: number): Uint8Array
  /** Whether a segment's source is proven. */
  standing(segment: Segment, jiffies: number): boolean
}

const be32 = ({ buffer, byteOffset }: Uint8Array, at: number): number =>
  new DataView(buffer, byteOffset).getUint32(at)

/** openingOf a segment. */
export function openingOf({ frame, ip, at, isIpv6 }: Segment): Opening {
  const [from, width] = isIpv6 ? [ip + 8, 16] : [ip + 12, 4]
  return {
    client: frame.subarray(from, from + width),
    address: frame.subarray(from + width, from + 2 * width),
    ports: frame.subarray(at, at + 4),
  }
}

/** settingsOf a service, in windows and ticks of the clock. */
export function switchSettings(
  shape: Shape,
  { defence = NO_DEFENCE_TABLES }: Tables,
  service: number,
): SwitchSettings {
  const { proof } = defence
  if (!proof) return { mode: 'off', above: 0, below: 0, hold: 0 }
  const clock = timeOf(shape)
  return {
    mode: defence.services[service]?.proof ?? 'auto',
    above: perWindow(clock, proof.above),
    below: perWindow(clock, proof.below),
    hold: ticksOf(clock, proof.holdS),
  }
}

/** createProof of a shape that has it. */
export function createProof(shape: Shape, tables: Tables, memory: ProofMemory): ProofModel {
  const { cookie, source } = proofSecrets(tables.keys)
  const proven = new ProvenTable(source, memory.words)
  const clock = timeOf(shape)
  const remember = ticksOf(clock, tables.defence?.proof?.rememberS ?? 0)
  const own = macBytes(shape.mac)
  const shifted = (jiffies: number, shift: number) => Math.floor(jiffies / 2 ** shift) >>> 0
  const tickAt = (jiffies: number) => shifted(jiffies, clock.shift)
  const epochAt = (jiffies: number) => shifted(jiffies, epochShift(clock))
  const stateOf = (service: number): SwitchState => {
    const state = memory.services[service]
    invariant(state, `service ${service} has no state`)
    return state
  }
  const standing = (segment: Segment, jiffies: number) =>
    proven.isProven(openingOf(segment).client, tickAt(jiffies), remember)
  return {
    standing,
    take(segment, service, jiffies) {
      const settings = switchSettings(shape, tables, service)
      // who is challenged for sending too much proves itself, whether the service asks or not
      const isTaken = shape.defence?.sources?.new
        ? settings.mode !== 'off'
        : isAsked(settings, stateOf(service), tickAt(jiffies))
      if (!isTaken) return false
      const opening = openingOf(segment)
      if (!isProof(cookie, opening, be32(segment.frame, segment.at + 4), epochAt(jiffies))) return false
      proven.prove(opening.client, tickAt(jiffies))
      return true
    },
    wanted: (segment, service, jiffies) =>
      takeSyn(
        switchSettings(shape, tables, service),
        stateOf(service),
        { tick: tickAt(jiffies), second: shifted(jiffies, secondShift(clock)) },
        () => standing(segment, jiffies),
      ),
    challenge(segment, jiffies) {
      const number = cookieOf(cookie, openingOf(segment), epochAt(jiffies))
      return challengeFrame(segment, own, challengeNumber(be32(segment.frame, segment.at + 4), number))
    },
  }
}
