// pcapng files: what Wireshark, tshark and tcpdump read (draft-ietf-opsawg-pcapng). One section, an interface description for
// each interface, an enhanced packet block for each packet, whose options carry its direction and a comment. Times are
// nanoseconds. Written little-endian, as a stream of blocks that may end anywhere between two of them. Left out: reading,
// name resolution, statistics, secrets.
//
//   block:  type | total length | body, padded to 4 bytes | total length
//   option: code | length | value, padded to 4 bytes; code 0 ends them

const SECTION = 0x0a0d0d0a
const INTERFACE = 1
const ENHANCED_PACKET = 6
const BYTE_ORDER = 0x1a2b3c4d
const LINKTYPE_ETHERNET = 1
const OPTION = { end: 0, comment: 1, application: 4, name: 2, flags: 2, resolution: 9 } as const
/** if_tsresol: 10^-9 s. */
const NANOSECONDS = 9
/** EPB flags, bits 0 and 1. */
const DIRECTION = { in: 1, out: 2 } as const
/** COMMENT_MAX: bytes of a comment; an option's length has 16 bits, and nobody reads more. */
const COMMENT_MAX = 1_024

/** CapturedPacket: `at` is ms of the epoch, with fractions; `interface` the place of one of the section's. */
export interface CapturedPacket {
  readonly interface: number
  readonly at: number
  readonly bytes: Uint8Array
  /** Of the whole frame. */
  readonly length: number
  readonly direction: 'in' | 'out'
  readonly comment: string
}

const padded = (length: number): number => (length + 3) & ~3

function option(code: number, value: Uint8Array): Buffer {
  const out = Buffer.alloc(4 + padded(value.length))
  out.writeUInt16LE(code, 0)
  out.writeUInt16LE(value.length, 2)
  out.set(value, 4)
  return out
}

/** Text as an option's value: cut where it is too long, never inside a character. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  let end = Math.min(bytes.length, COMMENT_MAX)
  while (end < bytes.length && end > 0 && (bytes[end]! & 0xc0) === 0x80) end--
  return bytes.subarray(0, end)
}

function block(type: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  const length = 12 + padded(body.length)
  const out = Buffer.alloc(length)
  out.writeUInt32LE(type, 0)
  out.writeUInt32LE(length, 4)
  body.copy(out, 8)
  out.writeUInt32LE(length, length - 4)
  return out
}

/**
 * encodeSection: what a file begins with: the section, and a description for each interface, whose places packets name.
 * `snapLength`: so many bytes of a frame are kept at most.
 */
export function encodeSection(
  interfaces: readonly string[],
  { comment, snapLength }: { readonly comment: string; readonly snapLength: number },
): Buffer {
  const head = Buffer.alloc(16)
  head.writeUInt32LE(BYTE_ORDER, 0)
  head.writeUInt16LE(1, 4)
  // the section's length is not known
  head.writeBigInt64LE(-1n, 8)
  const end = option(OPTION.end, new Uint8Array())
  const section = block(
    SECTION,
    head,
    option(OPTION.comment, text(comment)),
    option(OPTION.application, text('tenbin')),
    end,
  )
  const described = interfaces.map((name) => {
    const fixed = Buffer.alloc(8)
    fixed.writeUInt16LE(LINKTYPE_ETHERNET, 0)
    fixed.writeUInt32LE(snapLength, 4)
    return block(
      INTERFACE,
      fixed,
      option(OPTION.name, text(name)),
      option(OPTION.resolution, Uint8Array.of(NANOSECONDS)),
      end,
    )
  })
  return Buffer.concat([section, ...described])
}

/** encodePacket: an enhanced packet block. */
export function encodePacket({
  interface: nic,
  at,
  bytes,
  length,
  direction,
  comment,
}: CapturedPacket): Buffer {
  const fixed = Buffer.alloc(20 + padded(bytes.length))
  const whole = Math.floor(at)
  const time = BigInt(whole) * 1_000_000n + BigInt(Math.round((at - whole) * 1e6))
  fixed.writeUInt32LE(nic, 0)
  fixed.writeUInt32LE(Number(time >> 32n), 4)
  fixed.writeUInt32LE(Number(time & 0xffff_ffffn), 8)
  fixed.writeUInt32LE(bytes.length, 12)
  fixed.writeUInt32LE(length, 16)
  fixed.set(bytes, 20)
  const flags = Buffer.alloc(4)
  flags.writeUInt32LE(DIRECTION[direction], 0)
  return block(
    ENHANCED_PACKET,
    fixed,
    option(OPTION.comment, text(comment)),
    option(OPTION.flags, flags),
    option(OPTION.end, new Uint8Array()),
  )
}
