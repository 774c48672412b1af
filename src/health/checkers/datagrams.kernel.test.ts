import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { descriptors, lookAt, loopback, returns } from '../../../test/health/look-at.ts'
import { parseIp } from '../../base/addresses.ts'
import { Pattern } from '../../base/pattern.ts'
import { decodeDnsAnswer } from '../../wire/dns.ts'
import { type DnsOptions, dns } from './dns.ts'
import { ping } from './ping.ts'
import { udp } from './udp.ts'

/** A UDP server that answers each datagram by what `answer` makes of it. */
async function udpServer(answer: (bytes: Buffer) => readonly Uint8Array[]) {
  const socket = createSocket('udp4')
  socket.on('message', (bytes, { port, address }) => {
    for (const each of answer(bytes)) socket.send(each, port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { port: socket.address().port, [Symbol.dispose]: () => void socket.close() }
}

test('udp: what is expected comes, does not come, or nobody listens', async () => {
  using echo = await udpServer((bytes) => [bytes])
  using mute = await udpServer(() => [])
  const gone = await udpServer(() => [])
  gone[Symbol.dispose]()
  const send = Buffer.from('ping')
  const look = async (port: number, pattern?: string) => {
    const options = { send, ...(pattern !== undefined && { expect: Pattern.compile(pattern) }) }
    const { outcome, text } = await lookAt(udp(loopback(port), options), 300)
    return [outcome, text]
  }
  assert.deepEqual(await look(echo.port, '^ping$'), ['good', 'as expected'])
  assert.deepEqual(await look(echo.port, 'pong'), ['bad', 'no "pong": it said "ping"'])
  assert.deepEqual(await look(echo.port), ['good', 'answers'])
  assert.deepEqual(await look(mute.port), ['good', 'not refused'])
  assert.deepEqual(await look(mute.port, 'x'), ['bad', 'answer timed out after 300ms'])
  for (const pattern of [undefined, 'x'])
    assert.deepEqual(await look(gone.port, pattern), ['bad', 'nobody listens there (ICMP port unreachable)'])
})

test('dns: only an answer to the question that was asked counts', async () => {
  const asked: DnsOptions = { transport: 'udp', name: 'www.example.net', type: 'A', rcode: 'NOERROR' }
  const answer = (question: Buffer, rcode = 0) => {
    const bytes = Buffer.concat([question, Buffer.from('c00c000100010000003c0004c0000201', 'hex')])
    bytes.writeUInt16BE(0x8180 | rcode, 2)
    bytes.writeUInt16BE(1, 6)
    assert.equal(decodeDnsAnswer(bytes).data[0], '192.0.2.1')
    return bytes
  }
  const otherId = (bytes: Buffer) => {
    const other = Buffer.from(bytes)
    other[0] = bytes[0]! ^ 0xff
    return other
  }
  const look = async (change: Partial<DnsOptions>, reply: (question: Buffer) => readonly Uint8Array[]) => {
    using server = await udpServer(reply)
    const { outcome, text } = await lookAt(dns(loopback(server.port), { ...asked, ...change }), 300)
    return [outcome, text]
  }
  assert.deepEqual(await look({}, (question) => [answer(question)]), ['good', 'NOERROR, 192.0.2.1'])
  assert.deepEqual(await look({ answer: '192.0.2.1' }, (question) => [answer(question)]), [
    'good',
    '192.0.2.1',
  ])
  assert.deepEqual(await look({ answer: '192.0.2.2' }, (question) => [answer(question)]), [
    'bad',
    'no 192.0.2.2 among 192.0.2.1',
  ])
  assert.deepEqual(await look({}, (question) => [answer(question, 2)]), ['bad', 'SERVFAIL, expected NOERROR'])
  assert.deepEqual(await look({ rcode: 'SERVFAIL' }, (question) => [answer(question, 2)]), [
    'good',
    'SERVFAIL, 192.0.2.1',
  ])
  assert.deepEqual(await look({}, (question) => [otherId(answer(question)), answer(question)]), [
    'good',
    'NOERROR, 192.0.2.1',
  ])
  assert.deepEqual(await look({}, (question) => [otherId(answer(question))]), [
    'bad',
    'answer timed out after 300ms',
  ])
  assert.deepEqual(await look({}, () => [Buffer.from('noise')]), [
    'bad',
    'not an answer of DNS: it is a question',
  ])
  assert.deepEqual(await look({}, () => []), ['bad', 'answer timed out after 300ms'])
})

test('ping: this machine answers in both families, an address that nobody has does not', async () => {
  const before = descriptors()
  for (const address of ['127.0.0.1', '::1']) {
    const { outcome, text } = await lookAt(ping({ address: parseIp(address), port: 0 }))
    assert.deepEqual([outcome, text], ['good', 'answers'], address)
  }
  const source = parseIp('127.0.0.9')
  assert.equal((await lookAt(ping({ address: parseIp('127.0.0.8'), port: 0, source }))).outcome, 'good')
  const looks = await Promise.all(Array.from({ length: 50 }, () => lookAt(ping(loopback(0)))))
  assert.ok(looks.every(({ outcome }) => outcome === 'good'))
  const absent = await lookAt(ping({ address: parseIp('127.0.0.1'), port: 0, interface: 'no-such-nic' }))
  assert.equal(absent.outcome, 'none')
  await returns(descriptors, before, 'descriptors')
})
