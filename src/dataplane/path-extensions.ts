// The walk over IPv6's extension headers (RFC 8200 4), as functions of their own: one passes over a single header, one
// calls it as often as headers are passed over. Both take and answer a cursor, so that nothing but numbers is held:
//
//   bits 0..9    what comes next: a protocol, or one of CURSOR's words
//   bits 16..29  where it is, from the frame's start
//   bits 32..45  where the fragment header is that made a fragment of this packet; 0: it is none
//
// A cursor at anything but an extension header is answered as it is.

import type { ValueBuilder } from '../bpf/value-builder.ts'
import { anyBits, be16, eq, gt, immediate, type Val } from '../bpf/values.ts'
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

/** passOne: over one extension header. */
const passOne = (): BuiltFunction =>
  plainFunction('extension', (p) => {
    const [cursor] = p.parameters('context', 'u64')
    const next = nextOf(p, cursor)
    const [done, extension] = [p.label('no-extension'), p.label('extension')]
    p.jumpIf(gt(next, 63), done)
    p.jumpIf(anyBits(p.alu('rsh', p.const64(extensions), next), 1), extension)
    p.bind(done)
    p.exitValue(cursor)

    p.bind(extension)
    const place = placeOf(p, cursor)
    const { data, end } = p.packet()
    const here = p.advance(data, place)
    const { header } = p.headers(here, end, { header: Extension }, () => p.exitValue(CURSOR.truncated))
    const words = p.variable('u32', 2 * 256)
    const fragment = p.variable('u64', PLACE)
    const then = p.variable('u32')
    const [authentication, fragmented, part, passed] = [
      p.label('authentication'),
      p.label('fragment-header'),
      p.label('fragment'),
      p.label('extension-passed'),
    ]
    p.set(fragment, fragmentOf(p, cursor))
    p.set(then, p.narrow(p.widen(p.load(header.next))))
    p.jumpIf(eq(next, EXTENSION.fragment), fragmented)
    p.jumpIf(eq(next, EXTENSION.authentication), authentication)
    p.set(words, p.alu('lsh', p.alu('add', p.load(header.length), 1), 1))
    p.goto(passed)
    p.bind(authentication)
    p.set(words, p.alu('add', p.load(header.length), 2))
    p.goto(passed)
    p.bind(fragmented)
    p.set(words, 2)
    p.jumpIf(anyBits(p.load(header.fragment), be16(IP6_FRAGMENT)), part)
    p.goto(passed)
    p.bind(part)
    p.set(fragment, place)
    p.jumpIf(eq(p.alu('and', p.bits(p.load(header.fragment)), immediate(be16(IP6_OFFSET))), 0), passed)
    p.set(then, p.alu('or', then, CURSOR.later))

    p.bind(passed)
    // the verifier forgets here by which headers it came, and need not go on once for each way
    const at = p.alu('and', p.length(data, p.advance(here, p.alu('lsh', words, 2))), PLACE)
    const parts = p.alu('or', p.alu('lsh', fragment, 32), p.alu('lsh', at, 16))
    p.exitValue(p.alu('or', parts, then))
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
