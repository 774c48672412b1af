// DNS messages, as much of them as a question to a server and its answer need. Names are written without the final dot.
// Whatever the bytes, reading ends: a compression pointer leads only backwards, and a name has at most 255 bytes.
// References: RFC 1035 4, RFC 3596 (AAAA), RFC 6895 (codes). Left out: EDNS, sections behind the answers.

import { formatIp, type Ip4, type Ip6 } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'

/** RECORD_TYPES: those that can be asked for (RFC 1035 3.2.2, RFC 3596, RFC 2782, RFC 8659). */
export const RECORD_TYPES = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  CAA: 257,
} as const
export type RecordType = keyof typeof RECORD_TYPES

/** RCODES by number (RFC 1035 4.1.1). */
export const RCODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'] as const
export type Rcode = (typeof RCODES)[number]

const CLASS_IN = 1
const RECURSION_DESIRED = 0x0100
const IS_ANSWER = 0x8000
const IS_CUT = 0x0200
const HEADER = 12

/** DnsQuestion: `id` has 16 bits. */
export interface DnsQuestion {
  readonly id: number
  readonly name: string
  readonly type: RecordType
}

/** DnsAnswer: `data` of each answer of the type asked for, as zone files write it, or hexadecimal. */
export interface DnsAnswer {
  readonly id: number
  readonly rcode: string
  /** More did not fit into a datagram. */
  readonly isCut: boolean
  readonly question: { readonly name: string; readonly type: number } | undefined
  readonly data: readonly string[]
}

/** isDnsName: labels of 1 to 63 bytes of ASCII, 253 characters at most; '' is the root. */
export const isDnsName = (name: string): boolean =>
  name === '' ||
  (name.length <= 253 && /^[\x21-\x2d\x2f-\x7e]{1,63}(\.[\x21-\x2d\x2f-\x7e]{1,63})*$/.test(name))

/** encodeDnsQuestion: `name` is one of isDnsName. */
export function encodeDnsQuestion({ id, name, type }: DnsQuestion): Buffer {
  const header = Buffer.alloc(HEADER)
  header.writeUInt16BE(id, 0)
  header.writeUInt16BE(RECURSION_DESIRED, 2)
  header.writeUInt16BE(1, 4)
  const labels = name === '' ? [] : name.split('.')
  const tail = Buffer.alloc(5)
  tail.writeUInt16BE(RECORD_TYPES[type], 1)
  tail.writeUInt16BE(CLASS_IN, 3)
  return Buffer.concat([
    header,
    ...labels.map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`)),
    tail,
  ])
}

/** decodeDnsAnswer reads a message up to the end of its answers. Throws PACKET_INVALID. */
export function decodeDnsAnswer(bytes: Buffer): DnsAnswer {
  const cursor = new Cursor(bytes)
  const id = cursor.u16()
  const flags = cursor.u16()
  if ((flags & IS_ANSWER) === 0) refuse('is a question')
  const [questions, answers] = [cursor.u16(), cursor.u16()]
  cursor.pass(4)
  let question: DnsAnswer['question']
  for (let count = 0; count < questions; count++) {
    const name = cursor.name()
    const type = cursor.u16()
    cursor.pass(2)
    question ??= { name, type }
  }
  const data: string[] = []
  for (let count = 0; count < answers; count++) {
    cursor.name()
    const type = cursor.u16()
    cursor.pass(6)
    const length = cursor.u16()
    const end = cursor.at + length
    const text = cursor.data(type, length)
    if (cursor.at !== end) refuse('has data of another length than it says')
    if (type === question?.type) data.push(text)
  }
  const code = flags & 0xf
  return { id, rcode: RCODES[code] ?? `RCODE${code}`, isCut: (flags & IS_CUT) !== 0, question, data }
}

function refuse(why: string): never {
  throw new TenbinError('PACKET_INVALID', 'read DNS message', { detail: `it ${why}` })
}

class Cursor {
  readonly #bytes: Buffer
  at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  pass(count: number): void {
    this.#take(count)
  }

  u16(): number {
    return this.#bytes.readUInt16BE(this.#take(2))
  }

  #take(count: number): number {
    const { at } = this
    if (at + count > this.#bytes.length) refuse('is cut')
    this.at += count
    return at
  }

  /** name at the cursor, which ends behind it, wherever its pointers lead. */
  name(): string {
    const labels: string[] = []
    let length = 0
    let resume: number | undefined
    for (;;) {
      const start = this.at
      const size = this.#bytes[this.#take(1)]!
      if (size === 0) break
      if (size >= 0xc0) {
        const to = ((size & 0x3f) << 8) | this.#bytes[this.#take(1)]!
        resume ??= this.at
        if (to >= start) refuse('has a name that points forwards')
        this.at = to
        continue
      }
      if (size > 63) refuse('has a label of a kind that is not known')
      const at = this.#take(size)
      length += size + 1
      if (length > 255) refuse('has a name that is too long')
      labels.push(this.#bytes.toString('latin1', at, at + size))
    }
    if (resume !== undefined) this.at = resume
    return labels.join('.')
  }

  data(type: number, length: number): string {
    const end = this.at + length
    switch (type) {
      case RECORD_TYPES.A:
        if (length === 4) return formatIp(this.#bytes.readUInt32BE(this.#take(4)) as Ip4)
        break
      case RECORD_TYPES.AAAA:
        if (length === 16) {
          const at = this.#take(16)
          return formatIp(
            ((this.#bytes.readBigUInt64BE(at) << 64n) | this.#bytes.readBigUInt64BE(at + 8)) as Ip6,
          )
        }
        break
      case RECORD_TYPES.NS:
      case RECORD_TYPES.CNAME:
      case RECORD_TYPES.PTR:
        return this.name()
      case RECORD_TYPES.MX:
        return `${this.u16()} ${this.name()}`
      case RECORD_TYPES.TXT: {
        const texts: string[] = []
        while (this.at < end) {
          const size = this.#bytes[this.#take(1)]!
          const at = this.#take(size)
          texts.push(this.#bytes.toString('latin1', at, at + size))
        }
        return texts.join('')
      }
      default:
    }
    const at = this.#take(length)
    return this.#bytes.toString('hex', at, at + length)
  }
}
