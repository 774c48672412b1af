// Extension headers: each, at all lengths that matter, in chains of up to six and of more, cut and lying.

import { ipv6Next } from '../../wire/ipv6.ts'
import type { ExtensionKind } from '../../wire/ipv6-extension.ts'
import type { Layer } from '../../wire/layer.ts'
import { extension, fragment } from '../../wire/packet.ts'
import { cut, forwards, frameOf, keeps, type Parts, type Vector } from './vector.ts'

const { AH, DSTOPTS, FRAGMENT, HOPOPTS, ROUTING } = ipv6Next
const kinds = {
  'hop-by-hop options': HOPOPTS,
  routing: ROUTING,
  'destination options': DSTOPTS,
  authentication: AH,
}
const named = Object.entries(kinds)
const unit = (kind: ExtensionKind) => (kind === AH ? 4 : 8)
const elsewhere = { destination: '2001:db8::99' }
const on = { fixture: 'six' } as const

/** A header whose second byte is `length`, with as many bytes; filled so that none reads as a header that is known. */
const sized = (kind: ExtensionKind, length: number): Layer =>
  extension(kind, { body: new Uint8Array(6 + unit(kind) * length).fill(0xfd) })
const chain = (...extensions: Layer[]): Parts => ({ ip6: {}, extensions })
const times = (count: number, layer: Layer): Layer[] => Array<Layer>(count).fill(layer)
const short = (kind: ExtensionKind) => sized(kind, 0)
const mixed: readonly Layer[] = [
  short(HOPOPTS),
  sized(DSTOPTS, 2),
  sized(ROUTING, 1),
  fragment(),
  sized(AH, 4),
  short(DSTOPTS),
]
const udp = (...extensions: Layer[]): Parts => ({ ip6: {}, extensions, udp: {} })

/** Each kind alone: lengths, and UDP behind it. */
const alone = named.flatMap(([name, kind]) => [
  ...[0, 1, 2, 3, 4, 7, 8, 31, 32, 127, 128, 255].map((length) =>
    forwards(`IPv6: ${name} of length ${length}`, chain(sized(kind, length)), on),
  ),
  forwards(`IPv6: ${name} before UDP`, udp(short(kind)), { fixture: 'six-udp' }),
  forwards(`IPv6: ${name} of length 3 before UDP`, udp(sized(kind, 3)), { fixture: 'six-udp' }),
  forwards(`IPv6: ${name}, jumbo`, chain(sized(kind, 5)), { fixture: 'six-jumbo' }),
  forwards(
    `IPv6: ${name}, jumbo and long`,
    { ...chain(sized(kind, 255)), payload: new Uint8Array(5_000) },
    { fixture: 'six-jumbo' },
  ),
  keeps(
    'no-listener',
    `IPv6: ${name} before nobody’s port`,
    { ...chain(short(kind)), tcp: { destination: 81 } },
    'six',
  ),
  keeps('no-listener', `IPv6: ${name} to nobody`, { ...chain(short(kind)), ip6: elsewhere }, 'six'),
  keeps('ttl', `IPv6: ${name} and hop limit 1`, { ...chain(short(kind)), ip6: { hopLimit: 1 } }, 'six'),
  keeps('no-server', `IPv6: ${name} where nobody is`, chain(short(kind)), 'six-nobody'),
])

/** One kind again and again. */
const repeated = [...named, ['atomic fragments', FRAGMENT] as const].flatMap(([name, kind]) => {
  const layer = kind === FRAGMENT ? fragment() : short(kind)
  return [
    ...[1, 2, 3, 4, 5, 6].map((count) =>
      forwards(`IPv6: ${count} times ${name}`, chain(...times(count, layer)), on),
    ),
    ...[7, 8, 20].map((count) =>
      keeps('other-protocol', `IPv6: ${count} times ${name}`, chain(...times(count, layer)), 'six'),
    ),
  ]
})

/** Six headers of mixed kinds from each start, and those with one more. */
const orders = [0, 1, 2, 3, 4, 5].flatMap((start) => {
  const order = [...mixed.slice(start), ...mixed.slice(0, start)]
  return [
    forwards(`IPv6: six kinds in a row, from ${start}`, chain(...order), on),
    forwards(`IPv6: six kinds in a row, from ${start}, UDP`, udp(...order), { fixture: 'dual', service: 3 }),
    keeps(
      'other-protocol',
      `IPv6: seven kinds in a row, from ${start}`,
      chain(...order, mixed[start]!),
      'six',
    ),
  ]
})

/** Cut to every length from the IPv6 header's end to TCP's. */
function cuts(name: string, parts: Parts): readonly Vector[] {
  const whole = frameOf(parts)
  const vectors: Vector[] = []
  for (let length = 54; length < whole.length; length++)
    vectors.push(keeps('truncated', `IPv6: ${name} cut to ${length} bytes`, cut(whole, length), 'six'))
  const toNobody = frameOf({ ...parts, ip6: { ...parts.ip6, ...elsewhere } })
  for (const length of [54, 61, 62, whole.length - 1])
    vectors.push(
      keeps('no-listener', `IPv6: ${name} to nobody cut to ${length} bytes`, cut(toNobody, length), 'six'),
    )
  return vectors
}

const says = (kind: ExtensionKind, length: number, nextHeader?: number): Layer =>
  extension(kind, {
    length,
    body: new Uint8Array(6).fill(0xfd),
    ...(nextHeader === undefined ? {} : { nextHeader }),
  })
/** A length that goes beyond the frame: what comes next decides. */
const beyond = named.flatMap(([name, kind]) => [
  keeps('truncated', `IPv6: ${name} beyond the frame, then TCP`, chain(says(kind, 255)), 'six'),
  keeps(
    'no-listener',
    `IPv6: ${name} beyond the frame, then TCP, to nobody`,
    { ...chain(says(kind, 255)), ip6: elsewhere },
    'six',
  ),
  keeps('truncated', `IPv6: ${name} beyond the frame, then options`, chain(says(kind, 200, DSTOPTS)), 'six'),
  keeps(
    'truncated',
    `IPv6: ${name} beyond the frame, then a fragment`,
    chain(says(kind, 200, FRAGMENT)),
    'six',
  ),
  keeps('other-protocol', `IPv6: ${name} beyond the frame, then ICMPv6`, chain(says(kind, 255, 58)), 'six'),
  keeps(
    'other-protocol',
    `IPv6: ${name} beyond the frame, then UDP, unknown`,
    chain(says(kind, 255, 17)),
    'six',
  ),
])

/** Payload lengths around what the headers and TCP take: 8 + 24 + 20 bytes. */
const twoHeaders = [short(HOPOPTS), sized(DSTOPTS, 2)]
const lengths = [
  ...[0, 20, 51, 54, 65_535].map((payloadLength) =>
    keeps(
      'bad-length',
      `IPv6: two headers, payload length ${payloadLength} of 53`,
      { ...chain(...twoHeaders), ip6: { payloadLength }, payload: 'x' },
      'six',
    ),
  ),
  ...[52, 53].map((payloadLength) =>
    forwards(
      `IPv6: two headers, payload length ${payloadLength} of 53`,
      { ...chain(...twoHeaders), ip6: { payloadLength }, payload: 'x' },
      on,
    ),
  ),
  keeps(
    'bad-length',
    'IPv6: two headers and UDP, payload length 39',
    { ...udp(...twoHeaders), ip6: { payloadLength: 39 } },
    'six-udp',
  ),
  forwards(
    'IPv6: two headers and UDP, payload length 40',
    { ...udp(...twoHeaders), ip6: { payloadLength: 40 }, payload: 'x' },
    { fixture: 'six-udp' },
  ),
]

/** sixChainVectors. */
/** BEYOND: the model knows no buffers; the program drops such a frame as truncated. */
const BEYOND = 'the transport header is not in the first of the frame’s buffers'

export const sixChainVectors: readonly Vector[] = [
  ...alone,
  ...repeated,
  ...orders,
  ...cuts('hop-by-hop options', chain(short(HOPOPTS))),
  ...cuts('an authentication header of 12 bytes', chain(sized(AH, 1))),
  ...cuts('six kinds', chain(...mixed)),
  ...beyond,
  ...lengths,
  forwards('IPv6: six headers of 488 bytes', chain(...times(6, sized(DSTOPTS, 60))), on),
  {
    ...forwards('IPv6: six headers of 1,200 bytes, jumbo', chain(...times(6, sized(ROUTING, 149))), {
      fixture: 'six-jumbo',
    }),
    modelOnly: BEYOND,
  },
  {
    ...forwards(
      'IPv6: six headers of 2,048 bytes: all that can be, jumbo',
      chain(...times(6, sized(HOPOPTS, 255))),
      { fixture: 'six-jumbo' },
    ),
    modelOnly: BEYOND,
  },
  keeps(
    'truncated',
    'IPv6: six headers of 2,048 bytes, the last beyond, jumbo',
    chain(...times(5, sized(HOPOPTS, 255)), says(HOPOPTS, 255)),
    'six-jumbo',
  ),
  keeps(
    'other-protocol',
    'IPv6: a seventh header is not read, though it is cut',
    cut(frameOf(chain(...times(7, short(DSTOPTS)))), 54 + 48),
    'six',
  ),
  keeps(
    'truncated',
    'IPv6: the sixth header is read, and cut',
    cut(frameOf(chain(...times(7, short(DSTOPTS)))), 54 + 47),
    'six',
  ),
  keeps(
    'other-protocol',
    'IPv6: a seventh header that is a fragment',
    chain(...times(6, short(DSTOPTS)), fragment({ more: true })),
    'six',
  ),
  forwards(
    'IPv6: a sixth header that is a fragment',
    chain(...times(5, short(DSTOPTS)), fragment({ more: true })),
    { fixture: 'six' },
  ),
  keeps(
    'other-protocol',
    'IPv6: six headers, then ICMPv6',
    chain(...times(5, short(DSTOPTS)), extension(ROUTING, { nextHeader: 58 })),
    'six',
  ),
  keeps(
    'other-protocol',
    'IPv6: a header, then no more than it, ICMPv6 behind',
    cut(frameOf(chain(extension(DSTOPTS, { nextHeader: 58 }))), 62),
    'six',
  ),
  // the body looks like headers that are known, and is not read
  forwards(
    'IPv6: a body that looks like a fragment header',
    chain(extension(DSTOPTS, { body: Uint8Array.of(44, 0, 0xff, 0xff, 0, 80) })),
    on,
  ),
  forwards(
    'IPv6: a body that looks like ports',
    chain(extension(ROUTING, { body: Uint8Array.of(0, 81, 0, 81, 0, 81) })),
    on,
  ),
  keeps(
    'bad-length',
    'IPv6: a payload length of 0: a jumbogram, says the option',
    {
      ...chain(extension(HOPOPTS, { body: Uint8Array.of(0xc2, 4, 0, 1, 0, 0) })),
      ip6: { payloadLength: 0 },
    },
    'six',
  ),
]
