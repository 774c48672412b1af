import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Seeded } from '../bpf/seeded.ts'
import { COOKIE_MASK, challengeNumber, cookieOf, isProof, type Opening } from './proof-cookie.ts'
import { proofSecrets } from './proof-secrets.ts'

const keys = (first: bigint) => BigUint64Array.from({ length: 16 }, (_, i) => first + BigInt(i))
const { cookie: secret } = proofSecrets(keys(7n))
const opening: Opening = {
  client: Uint8Array.of(198, 51, 100, 7),
  address: Uint8Array.of(192, 0, 2, 10),
  ports: Uint8Array.of(0xc0, 0x01, 0, 80),
}
const changed = (bytes: Uint8Array): Uint8Array =>
  bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte))

test('the number of a challenge proves its source in its epoch and the next, and not later', () => {
  const number = challengeNumber(0x1234_5678, cookieOf(secret, opening, 100))
  assert.deepEqual(
    [99, 100, 101, 102].map((epoch) => isProof(secret, opening, number, epoch)),
    [false, true, true, false],
  )
})

test('it proves no other address, port or service, and nothing where the keys are others', () => {
  const number = challengeNumber(1, cookieOf(secret, opening, 5))
  for (const part of ['client', 'address', 'ports'] as const)
    assert.equal(isProof(secret, { ...opening, [part]: changed(opening[part]) }, number, 5), false, part)
  assert.equal(isProof(proofSecrets(keys(8n)).cookie, opening, number, 5), false)
})

test('a number is below the SYN’s own or equal to it, whatever both are: no client takes it for what it waits for', () => {
  const random = new Seeded(6)
  for (let i = 0; i < 20_000; i++) {
    const sequence = i < 4 ? [0, 1, 2 ** 31, 2 ** 32 - 1][i]! : random.below(2 ** 32)
    const cookie = i % 3 === 0 ? sequence & COOKIE_MASK : random.below(2 ** 31)
    const number = challengeNumber(sequence, cookie)
    // RFC 9293 3.10.7.3: SEG.ACK =< ISS, in sequence arithmetic
    assert.ok((sequence - number) >>> 0 < 2 ** 31)
    assert.equal(number & COOKIE_MASK, cookie)
  }
})

test('what one source sees of its own cookies tells nothing of those of others: all bits are even', () => {
  const ones = new Uint32Array(31)
  const COUNT = 4_096
  for (let port = 0; port < COUNT; port++) {
    const cookie = cookieOf(secret, { ...opening, ports: Uint8Array.of(port >> 8, port & 0xff, 0, 80) }, 3)
    for (let bit = 0; bit < 31; bit++) ones[bit]! += (cookie >>> bit) & 1
  }
  // six standard deviations of 32
  for (const count of ones) assert.ok(Math.abs(count - COUNT / 2) < 6 * 32, `${count} of ${COUNT}`)
})
