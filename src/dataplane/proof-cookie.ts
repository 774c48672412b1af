// What proves that a source is real (docs/packet-path.md, D; decision 0032). A SYN of an unproven source is answered with an
// ACK that acknowledges what was never sent: as a server answers that still has an old connection of that address and port
// (RFC 9293 3.5.1, RFC 5961 4). Who has sent the SYN answers with a RST of that very number (RFC 9293 3.10.7.3) and sends
// its SYN again; who has not never learns the number. It is 31 bits of a keyed hash of addresses, ports and time:
//
//   client address | service address | both ports as they lie in the packet | epoch, 3 bytes, lowest first
//
// and bit 31 is such that the number lies at or below the SYN's own: so no client takes it for the acknowledgement that it
// waits for, and firewalls that follow connections let the RST pass, whose number is none that the client has yet to reach.

import { secondShift } from './flow-clock.ts'
import type { Clock } from './shape.ts'
import { type Secret, sipHash } from './siphash.ts'

/** COOKIE_MASK: the bits of a number that the hash decides. */
export const COOKIE_MASK = 0x7fff_ffff
/** EPOCH_MASK: what of the epoch the hash takes. */
export const EPOCH_MASK = 0xff_ffff
/** An epoch is 2^so many seconds of the clock. A proof is taken in its own epoch and in the next. */
const EPOCH = 2

/** epochShift: 2^so many jiffies are an epoch. */
export const epochShift = (clock: Pick<Clock, 'hz'>): number => secondShift(clock) + EPOCH

/** Opening: what a SYN and the RST of its client have in common. Addresses of one family; ports as they lie in the packet. */
export interface Opening {
  readonly client: Uint8Array
  readonly address: Uint8Array
  readonly ports: Uint8Array
}

/** cookieOf an opening: 31 bits. */
export function cookieOf(secret: Secret, { client, address, ports }: Opening, epoch: number): number {
  const time = [epoch & 0xff, (epoch >>> 8) & 0xff, (epoch >>> 16) & 0xff]
  const message = Uint8Array.from([...client, ...address, ...ports, ...time])
  return Number(sipHash(secret, message) & BigInt(COOKIE_MASK))
}

/** challengeNumber: the acknowledgement number for a SYN with this sequence number. */
export const challengeNumber = (sequence: number, cookie: number): number =>
  (sequence - ((sequence - cookie) & COOKIE_MASK)) >>> 0

/** isProof: whether a RST of this sequence number answers a challenge of this epoch or the one before. */
export const isProof = (secret: Secret, opening: Opening, sequence: number, epoch: number): boolean =>
  [epoch, epoch - 1].some((of) => ((cookieOf(secret, opening, of) ^ sequence) & COOKIE_MASK) === 0)
