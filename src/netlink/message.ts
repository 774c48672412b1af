// Netlink messages (struct nlmsghdr, linux/netlink.h): the envelope of every request, answer and notification,
// and the error and end-of-dump messages with their extended acknowledgement. Pure; a datagram is decoded whole
// or refused, and nothing but TenbinError escapes. Left out: what is inside, which each kind of object decodes.
//
//   0               4       6       8               12              16
//   | length        | type  | flags | sequence      | port          | payload ... padding to 4 |

import { type Attributes, align4, decodeAttributes, malformed, readText, readU32 } from './attributes.ts'

const HEADER = 16

/** Types of control messages. */
export const NLMSG_ERROR = 2
export const NLMSG_DONE = 3
export const NLMSG_OVERRUN = 4
/** NLMSG_MIN_TYPE: below it are control messages. */
export const NLMSG_MIN_TYPE = 0x10

/** Flags: of every message, of dumps, of additions. */
export const NLM_F_REQUEST = 0x01
export const NLM_F_ACK = 0x04
export const NLM_F_DUMP_INTR = 0x10
export const NLM_F_DUMP = 0x300
export const NLM_F_REPLACE = 0x100
export const NLM_F_EXCL = 0x200
export const NLM_F_CREATE = 0x400
const NLM_F_CAPPED = 0x100
const NLM_F_ACK_TLVS = 0x200

const NLMSGERR_ATTR_MSG = 1
const NLMSGERR_ATTR_OFFS = 2
const NLMSGERR_ATTR_MISS_TYPE = 5

/** NetlinkMessage: `port` is the sender's netlink port, 0 for the kernel; `payload` is a view, not a copy. */
export interface NetlinkMessage {
  readonly type: number
  readonly flags: number
  readonly sequence: number
  readonly port: number
  readonly payload: Buffer
}

/** Acknowledgement: the kernel's answer to a request; `errno` 0 is success, else a positive errno number. */
export interface Acknowledgement {
  readonly errno: number
  /** The kernel's own words, where it has some. */
  readonly message?: string
  /** Offset in the request of the attribute that the kernel dislikes. */
  readonly offset?: number
  /** Type of an attribute that the kernel misses. */
  readonly missing?: number
}

/** encodeMessage: one message with its padding. */
export function encodeMessage(message: NetlinkMessage): Buffer {
  const length = HEADER + message.payload.length
  const bytes = Buffer.alloc(align4(length))
  bytes.writeUInt32LE(length, 0)
  bytes.writeUInt16LE(message.type, 4)
  bytes.writeUInt16LE(message.flags, 6)
  bytes.writeUInt32LE(message.sequence, 8)
  bytes.writeUInt32LE(message.port, 12)
  bytes.set(message.payload, HEADER)
  return bytes
}

/** decodeMessages reads all messages of a datagram. Throws NETLINK_MALFORMED where one does not fit. */
export function decodeMessages(datagram: Buffer): NetlinkMessage[] {
  const messages: NetlinkMessage[] = []
  for (let at = 0; at < datagram.length; ) {
    const left = datagram.length - at
    if (left < HEADER) throw malformed(`${left} bytes where a message should begin`)
    const length = datagram.readUInt32LE(at)
    if (length < HEADER || length > left)
      throw malformed(`a message of ${length} bytes where ${left} are left`)
    messages.push({
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      port: datagram.readUInt32LE(at + 12),
      payload: datagram.subarray(at + HEADER, at + length),
    })
    at += Math.ceil(length / 4) * 4
  }
  return messages
}

/**
 * decodeAcknowledgement reads NLMSG_ERROR (struct nlmsgerr: error, then the request or its header alone, then
 * attributes) or NLMSG_DONE (error, then attributes). Throws NETLINK_MALFORMED.
 */
export function decodeAcknowledgement({ type, flags, payload }: NetlinkMessage): Acknowledgement {
  // The end of a dump carries no error number before Linux 2.6: an empty one is success.
  if (type === NLMSG_DONE && payload.length === 0) return { errno: 0 }
  if (payload.length < 4) throw malformed(`an acknowledgement of ${payload.length} bytes`)
  const errno = -payload.readInt32LE(0)
  if (errno < 0 && type === NLMSG_ERROR) throw malformed(`an acknowledgement with error number ${-errno}`)
  if (!(flags & NLM_F_ACK_TLVS)) return { errno: Math.max(errno, 0) }
  const attributes = decodeAttributes(payload.subarray(type === NLMSG_DONE ? 4 : errorBody(payload, flags)))
  return { errno: Math.max(errno, 0), ...words(attributes) }
}

/** errorBody: where the attributes of NLMSG_ERROR begin, behind what it repeats of the request. */
function errorBody(payload: Buffer, flags: number): number {
  if (payload.length < 4 + HEADER) throw malformed(`an acknowledgement of ${payload.length} bytes`)
  const repeated = flags & NLM_F_CAPPED ? HEADER : payload.readUInt32LE(4)
  if (repeated < HEADER || 4 + repeated > payload.length)
    throw malformed(`an acknowledgement of ${payload.length} bytes that repeats ${repeated}`)
  return 4 + Math.ceil(repeated / 4) * 4
}

function words(attributes: Attributes): Omit<Acknowledgement, 'errno'> {
  const message = readText(attributes, NLMSGERR_ATTR_MSG)
  const offset = readU32(attributes, NLMSGERR_ATTR_OFFS)
  const missing = readU32(attributes, NLMSGERR_ATTR_MISS_TYPE)
  return {
    ...(message !== undefined && { message }),
    ...(offset !== undefined && { offset }),
    ...(missing !== undefined && { missing }),
  }
}
