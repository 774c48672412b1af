// The walk over IPv6's extension headers (RFC 8200 4), as functions of their own: one passes over a single header, one
// calls it as often as headers are passed over. Both take and answer a cursor, so that nothing but numbers is held:
//
//   bits 0..9    what comes next: a protocol, or one of CURSOR's words
//   bits 16..29  where it is, from the frame's start
//   bits 32..45  where the fragment header is that made a fragment of this packet; 0: it is none
//
// A cursor at anything but an extension header is answered as it is.

import type { ValueBuilder } from '../bpf/value-builder.ts'
import { be16, eq, gt, immediate, type Val } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import { EXTENSION, EXTENSIONS, Extension, IP6_FRAGMENT, IP6_OFFSET } from './headers.ts'

/** CURSOR: what comes next, beside protocols: a later fragment's data (its protocol in the low bits), nothing. */
export const CURSOR = { later: 0x100, truncated: 0x200 } as const

const NEXT = 0x3ff
/** PLACE: what is less than this is a place of a cursor. */
export const PLACE = 0x3fff
/** One bit for each extension header; none has a number above 63. */
const extensions = Object.values(EXTENSION).reduce((set, number) => set | (1n << BigInt(number)), 0n)

/** cursorAt: the cursor where a fixed header, at `start`, ends and `next` comes. */
export const cursorAt = (p: ValueBuilder, start: Val<'u32'>, size: number, next: Val<'u8'>): Val<'u64'> =>
  p.widen(p.alu('or', p.alu('lsh', p.alu('add', start, size), 16), next))

/** nextOf, placeOf, fragmentOf: a cursor's parts. */
export const nextOf = (p: ValueBuilder, cursor: Val<'u64'>): Val<'u32'> =>
  p.narrow(p.alu('and', cursor, NEXT))
export const placeOf = (p: ValueBuilder, cursor: Val<'u64'>): Val<'u64'> =>
  p.alu('and', p.alu('rsh', cursor, 16), PLACE)
export const fragmentOf = (p: ValueBuilder, cursor: Val<'u64'>): Val<'u64'> =>
  p.alu('and', p.alu('rsh', cursor, 32), PLACE)

/**
 * passOne: over one extension header. Without a branch between kinds of headers, and with a header passed before none:
 * the verifier then follows one way through each call, where else it would go on once for every way.
 */
const passOne = (): BuiltFunction =>
  plainFunction('extension', (p) => {
    const [cursor] = p.parameters('context', 'u64')
    const next = nextOf(p, cursor)
    const done = p.label('no-extension')
    p.jumpIf(gt(next, 63), done)
    p.jumpIf(eq(p.alu('and', p.alu('rsh', p.const64(extensions), next), 1), 0), done)
    const place = placeOf(p, cursor)
    const { data, end } = p.packet()
    const { header } = p.headers(p.advance(data, place), end, { header: Extension }, () =>
      p.exitValue(CURSOR.truncated),
    )
    /** 1 where the header is of this kind; 1 where any of 16 bits is set; else 0. */
    const isKind = (kind: number) => p.alu('rsh', p.alu('sub', p.alu('xor', next, kind), 1), 31)
    const isSet = (mask: number) =>
      p.alu(
        'rsh',
        p.alu('add', p.alu('and', p.bits(p.load(header.fragment)), immediate(be16(mask))), 0xffff),
        16,
      )
    const isFragment = isKind(EXTENSION.fragment)
    // 8 bytes and so many more a unit of length: 8 as a rule, 4 of authentication headers, of fragment headers none
    const unit = p.alu('sub', p.alu('xor', p.alu('lsh', isFragment, 1), 2), isKind(EXTENSION.authentication))
    const size = p.alu('add', p.alu('lsh', p.alu('mul', unit, p.load(header.length)), 2), Extension.size)
    const at = p.alu('and', p.alu('add', p.narrow(place), size), PLACE)
    const isPart = p.alu('and', isFragment, isSet(IP6_FRAGMENT))
    const before = p.narrow(fragmentOf(p, cursor))
    const moved = p.alu('mul', p.alu('sub', p.narrow(place), before), isPart)
    const fragment = p.alu('and', p.alu('add', before, moved), PLACE)
    const later = p.alu('lsh', p.alu('and', isPart, isSet(IP6_OFFSET)), Math.log2(CURSOR.later))
    const then = p.alu('or', later, p.load(header.next))
    const lower = p.alu('or', p.alu('lsh', at, 16), then)
    p.exitValue(p.alu('or', p.alu('lsh', p.widen(fragment), 32), lower))
    p.bind(done)
    p.exitValue(cursor)
  })

/** extensionWalk: a function (context, cursor) -> cursor: over up to EXTENSIONS headers. */
export function extensionWalk(): BuiltFunction {
  const one = passOne()
  return plainFunction('extensions', (p) => {
    let [cursor] = p.parameters('context', 'u64')
    for (let passed = 0; passed < EXTENSIONS; passed++) cursor = p.callWide(one, p.ctx, cursor)
    p.exitValue(cursor)
  })
}
