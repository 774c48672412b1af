import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TenbinError } from '../base/errors.ts'
import { decodeDnsAnswer, encodeDnsQuestion, isDnsName, RECORD_TYPES, type RecordType } from './dns.ts'

/** answerTo turns a question into an answer with records behind it, each `type class ttl length data` with its name. */
function answerTo(question: Buffer, records: readonly (readonly [RecordType, Buffer])[], rcode = 0): Buffer {
  const head = Buffer.from(question)
  head.writeUInt16BE(0x8180 | rcode, 2)
  head.writeUInt16BE(records.length, 6)
  const tails = records.map(([type, data]) => {
    const record = Buffer.alloc(12)
    // The name: a pointer to the question's.
    record.writeUInt16BE(0xc00c, 0)
    record.writeUInt16BE(RECORD_TYPES[type], 2)
    record.writeUInt16BE(1, 4)
    record.writeUInt32BE(60, 6)
    record.writeUInt16BE(data.length, 10)
    return Buffer.concat([record, data])
  })
  return Buffer.concat([head, ...tails])
}

const question = encodeDnsQuestion({ id: 0x1234, name: 'www.example.net', type: 'A' })

test('a question is as RFC 1035 draws it', () => {
  const expected = '123401000001000000000000' + '03777777076578616d706c65036e6574' + '0000010001'
  assert.equal(question.toString('hex'), expected)
  assert.equal(
    encodeDnsQuestion({ id: 1, name: '', type: 'NS' }).toString('hex'),
    '0001010000010000000000000000020001',
  )
})

test('answers of the type that was asked for are read as zone files write them', () => {
  const cases: readonly (readonly [RecordType, string, string])[] = [
    ['A', 'c0000201', '192.0.2.1'],
    ['AAAA', '20010db8000000000000000000000001', '2001:db8::1'],
    ['CNAME', '03617069c010', 'api.example.net'],
    ['NS', 'c00c', 'www.example.net'],
    ['MX', '000a046d61696cc010', '10 mail.example.net'],
    ['TXT', '0276310361623b', 'v1ab;'],
    ['SRV', '00010002', '00010002'],
  ]
  for (const [type, data, text] of cases) {
    const asked = encodeDnsQuestion({ id: 7, name: 'www.example.net', type })
    const other: readonly [RecordType, Buffer] = [type === 'A' ? 'TXT' : 'A', Buffer.from('03616263', 'hex')]
    const answer = decodeDnsAnswer(answerTo(asked, [other, [type, Buffer.from(data, 'hex')]]))
    assert.deepEqual(answer, {
      id: 7,
      rcode: 'NOERROR',
      isCut: false,
      question: { name: 'www.example.net', type: RECORD_TYPES[type] },
      data: [text],
    })
  }
  assert.equal(decodeDnsAnswer(answerTo(question, [], 3)).rcode, 'NXDOMAIN')
  assert.equal(decodeDnsAnswer(answerTo(question, [], 9)).rcode, 'RCODE9')
})

test('a message that is cut anywhere is refused, and so is one that lies', () => {
  const whole = answerTo(question, [['A', Buffer.from('c0000201', 'hex')]])
  for (let length = 0; length < whole.length; length++)
    assert.throws(() => decodeDnsAnswer(whole.subarray(0, length)), { code: 'PACKET_INVALID' }, `${length}`)
  const lies = [
    [question, /is a question/],
    [answerTo(question, [['CNAME', Buffer.from('c0ff', 'hex')]]), /points forwards/],
    [answerTo(question, [['CNAME', Buffer.from('41', 'hex')]]), /label of a kind/],
    [answerTo(question, [['CNAME', Buffer.from('0161c00c00', 'hex')]]), /another length/],
    [answerTo(question, [['MX', Buffer.alloc(0)]]), /is cut|another length/],
  ] as const
  for (const [bytes, why] of lies)
    assert.throws(
      () => decodeDnsAnswer(bytes),
      (error) => error instanceof TenbinError && why.test(error.message),
    )
})

test('whatever the bytes, only a TenbinError comes of them, and soon', () => {
  const pieces = fc.array(fc.constantFrom('c00c', 'c010', '3f', '0161', '00', 'c0ff', '0001', '0010'), {
    maxLength: 60,
  })
  fc.assert(
    fc.property(pieces, fc.uint8Array({ maxLength: 40 }), (parts, noise) => {
      const bytes = Buffer.concat([answerTo(question, []), Buffer.from(parts.join(''), 'hex'), noise])
      bytes.writeUInt16BE(20, 6)
      try {
        decodeDnsAnswer(bytes)
      } catch (error) {
        assert.ok(error instanceof TenbinError && error.code === 'PACKET_INVALID', String(error))
      }
    }),
    { numRuns: 1000 },
  )
})

test('names that cannot be asked for are known', () => {
  const right = ['', 'localhost', 'a.b', '_sip._tcp.example.net', `${'x'.repeat(63)}.net`]
  const wrong = ['.', 'a.', '.a', 'a..b', 'a b', `${'x'.repeat(64)}.net`, `${'x.'.repeat(127)}x`]
  assert.deepEqual([right.filter(isDnsName), wrong.filter(isDnsName)], [right, []])
})
