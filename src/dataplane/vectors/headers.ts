// The first byte of the IP header: every version, every header length, honest or lying; and options.

import { parseMac } from '../../base/addresses.ts'
import { cut, forwards, frameOf, keeps, type Parts, type Vector } from './vector.ts'

const nibbles = Array.from({ length: 16 }, (_, i) => i)
const nop = 1
/** Options of `words` words: no-operations and an end. */
const padding = (words: number) =>
  Uint8Array.from({ length: 4 * words }, (_, i) => (i < 4 * words - 1 ? nop : 0))

/** A header as long as its IHL says, TCP behind it. */
function honest(ihl: number): Vector {
  const name = `IHL ${ihl}, TCP behind it`
  const parts: Parts = { ip: { ihl, options: padding(Math.max(0, ihl - 5)) }, payload: 'x'.repeat(20) }
  if (ihl < 5) return keeps('malformed', name, parts)
  return forwards(name, parts)
}

/** A header of 20 bytes; where the IHL points lie the sequence number's or the payload's bytes. */
function lying(ihl: number): Vector {
  const name = `IHL ${ihl}, TCP behind 20 bytes`
  const parts: Parts = { ip: { ihl }, tcp: { sequence: 81, acknowledgment: 81 }, payload: '~'.repeat(60) }
  if (ihl < 5) return keeps('malformed', name, parts)
  return ihl === 5 ? forwards(name, parts) : keeps('no-listener', name, parts)
}

/** A frame that ends one byte before the TCP header does, or just with it. */
function ends(ihl: number): readonly Vector[] {
  const frame = frameOf({ ip: { options: padding(ihl - 5) } })
  const name = `IHL ${ihl}, the frame ends`
  return [
    keeps('truncated', `${name} one byte before the TCP header does`, cut(frame, frame.length - 1)),
    forwards(`${name} with the TCP header`, { ip: { options: padding(ihl - 5) } }),
  ]
}

const options: Readonly<Record<string, readonly number[]>> = {
  'record route': [7, 7, 4, 0, 0, 0, 0, 0],
  'loose source route': [0x83, 7, 4, 10, 0, 0, 1, 0],
  'strict source route': [0x89, 7, 4, 10, 0, 0, 1, 0],
  'a timestamp': [68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  'a router alert': [148, 4, 0, 0],
  'a length of 0': [7, 0, 0, 0],
  'a length beyond the header': [7, 255, 4, 0],
}

/** headerVectors: versions, header lengths, options. */
export const headerVectors: readonly Vector[] = [
  ...nibbles.map((version) =>
    version === 4
      ? forwards('IP version 4', { ip: { version } })
      : keeps('malformed', `IP version ${version}`, { ip: { version } }),
  ),
  ...nibbles.map(honest),
  ...nibbles.map(lying),
  forwards('IHL 6 that points at ports of a listener', {
    ip: { ihl: 6 },
    // the sequence number lies where source and destination port would
    tcp: { destination: 81, sequence: (40_000 << 16) + 80, options: padding(1) },
  }),
  ...[6, 10, 15].flatMap(ends),
  keeps('truncated', 'IHL 15 in a frame of 54 bytes', { ip: { ihl: 15 } }),
  keeps('no-listener', 'IHL 15 in a frame of 54 bytes to nobody', {
    ip: { ihl: 15, destination: '192.0.2.9' },
  }),
  ...Object.entries(options).map(([name, bytes]) =>
    forwards(`options: ${name}`, { ip: { options: Uint8Array.from(bytes) } }),
  ),
  keeps('no-listener', 'options to nobody', { ip: { options: padding(1), destination: '192.0.2.9' } }),
  keeps('no-listener', 'options to a port that is nobody’s', {
    ip: { options: padding(1) },
    tcp: { destination: 81 },
  }),
  keeps('other-host', 'options to another host', {
    ether: { destination: parseMac('02:1b:3c:5d:7e:9e') },
    ip: { options: padding(1) },
  }),
  keeps('malformed', 'version 0 and IHL 0', { ip: { version: 0, ihl: 0 } }),
  keeps('malformed', 'version 15 and IHL 15', { ip: { version: 15, ihl: 15 } }),
]
