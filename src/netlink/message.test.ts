import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Ip, type Ip4, type Ip6, type Mac, macFromBytes, parseIp } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import {
  attribute,
  decodeAttributes,
  ipAttribute,
  macAttribute,
  nested,
  readIp,
  readMac,
  readNested,
  readText,
  readU8,
  readU32,
  textAttribute,
  u8Attribute,
  u32Attribute,
} from './attributes.ts'
import { decodeAcknowledgement, decodeMessages, encodeMessage, NLMSG_DONE, NLMSG_ERROR } from './message.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')
const malformed = (run: () => unknown) =>
  assert.throws(run, (error) => error instanceof TenbinError && error.code === 'NETLINK_MALFORMED')

const ip: fc.Arbitrary<Ip> = fc.oneof(
  fc.nat(0xffffffff).map((n) => n as Ip4),
  fc.bigInt(0n, (1n << 128n) - 1n).map((n) => n as Ip6),
)
const mac: fc.Arbitrary<Mac> = fc
  .uint8Array({ minLength: 6, maxLength: 6 })
  .map((bytes) => macFromBytes(bytes))

test('attributes survive a round trip, nested and padded', () => {
  fc.assert(
    fc.property(
      fc.nat(255),
      fc.nat(0xffffffff),
      fc.stringMatching(/^[ -~]*$/),
      ip,
      mac,
      (u8, u32, text, address, m) => {
        const bytes = Buffer.concat([
          u8Attribute(1, u8),
          u32Attribute(2, u32),
          textAttribute(3, text),
          nested(4, ipAttribute(5, address), macAttribute(6, m)),
        ])
        const attributes = decodeAttributes(bytes)
        const inner = readNested(attributes, 4)!
        assert.equal(bytes.length % 4, 0)
        assert.equal(readU8(attributes, 1), u8)
        assert.equal(readU32(attributes, 2), u32)
        assert.equal(readText(attributes, 3), text)
        assert.equal(readIp(inner, 5), address)
        assert.equal(readMac(inner, 6), m)
        assert.equal(readU32(attributes, 9), undefined)
      },
    ),
  )
})

test('the bytes of an attribute are those of struct nlattr', () => {
  assert.deepEqual(textAttribute(3, 'lo'), hex('0700 0300 6c6f00 00'))
  assert.deepEqual(nested(4, u8Attribute(1, 255)), hex('0c00 0480 0500 0100 ff000000'))
  assert.deepEqual(ipAttribute(1, parseIp('2001:db8::1')), hex('1400 0100 20010db8000000000000000000000001'))
})

test('an attribute that is shorter than what it should hold is refused', () => {
  malformed(() => readU32(decodeAttributes(attribute(1, Buffer.alloc(3))), 1))
  malformed(() => readU8(decodeAttributes(attribute(1, Buffer.alloc(0))), 1))
  malformed(() => readIp(decodeAttributes(attribute(1, Buffer.alloc(5))), 1))
  malformed(() => decodeAttributes(hex('0300 0100')))
  malformed(() => decodeAttributes(hex('0900 0100 00000000')))
  malformed(() => decodeAttributes(hex('0400 01')))
  assert.equal(readMac(decodeAttributes(attribute(1, Buffer.alloc(4))), 1), undefined)
})

test('messages survive a round trip, several in a datagram', () => {
  const message = fc.record(
    {
      type: fc.nat(0xffff),
      flags: fc.nat(0xffff),
      sequence: fc.nat(0xffffffff),
      port: fc.nat(0xffffffff),
      payload: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    },
    { noNullPrototype: true },
  )
  fc.assert(
    fc.property(fc.array(message, { maxLength: 5 }), (messages) => {
      assert.deepEqual(decodeMessages(Buffer.concat(messages.map(encodeMessage))), messages)
    }),
  )
})

test('messages that lie about their length are refused', () => {
  malformed(() => decodeMessages(Buffer.alloc(15)))
  malformed(() => decodeMessages(hex('0f000000 1000 0000 00000000 00000000')))
  malformed(() => decodeMessages(hex('11000000 1000 0000 00000000 00000000')))
  malformed(() => decodeMessages(hex('ffffffff 1000 0000 00000000 00000000')))
})

test('an acknowledgement carries the errno and, where the kernel has some, its words', () => {
  const error = { type: NLMSG_ERROR, sequence: 1, port: 0 }
  const request = '10000000 1400 0500 01000000 00000000'
  const tlvs = Buffer.concat([
    textAttribute(1, 'Address already assigned'),
    u32Attribute(2, 24),
    u32Attribute(5, 3),
  ])
  const capped = { ...error, flags: 0x300, payload: Buffer.concat([hex(`efffffff ${request}`), tlvs]) }
  assert.deepEqual(decodeAcknowledgement(capped), {
    errno: 17,
    message: 'Address already assigned',
    offset: 24,
    missing: 3,
  })
  // Not capped: the whole request is repeated before the attributes.
  const longer = hex('efffffff 14000000 1400 0500 01000000 00000000 01020304')
  const whole = { ...error, flags: 0x200, payload: Buffer.concat([longer, tlvs]) }
  assert.equal(decodeAcknowledgement(whole).message, 'Address already assigned')
  assert.deepEqual(decodeAcknowledgement({ ...error, flags: 0, payload: hex(`00000000 ${request}`) }), {
    errno: 0,
  })
  const done = { type: NLMSG_DONE, flags: 0x202, sequence: 1, port: 0 }
  assert.deepEqual(
    decodeAcknowledgement({ ...done, payload: Buffer.concat([hex('eaffffff'), textAttribute(1, 'no')]) }),
    {
      errno: 22,
      message: 'no',
    },
  )
  malformed(() => decodeAcknowledgement({ ...error, flags: 0, payload: hex('01000000') }))
  malformed(() => decodeAcknowledgement({ ...error, flags: 0x200, payload: hex('efffffff 0000') }))
  malformed(() =>
    decodeAcknowledgement({
      ...error,
      flags: 0x200,
      payload: hex('efffffff 00000000 00000000 00000000 00000000'),
    }),
  )
})
