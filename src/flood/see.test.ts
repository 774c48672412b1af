import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecordedPacket } from '../engine/recorded.ts'
import { ether, ipv4, packet, tcp, udp } from '../wire/packet.ts'
import { see } from './see.ts'

const recorded = (bytes: Uint8Array, more: Partial<RecordedPacket> = {}): RecordedPacket => ({
  ...{ at: 1_000, kind: 'established', outcome: 'forwarded', direction: 'out', interface: 'eth0' },
  ...{ bytes, length: bytes.length, ...more },
})
const ip = (ttl = 63) => ipv4({ source: '198.51.100.7', destination: '10.0.0.11', ttl })
const ports = { source: 1234, destination: 53 }

test('what left is seen as it came: with its hop, and without the server that it was sent to', () => {
  const query = packet(ether(), ip(), udp(ports), Buffer.from('00010203040506', 'hex'))
  const { facts } = see(recorded(query))!
  assert.deepEqual(
    { ...facts, source: 0 },
    { protocol: 'udp', source: 0, sourcePort: 1234, length: 35, ttl: 64, head: '00010203' },
  )
  const dropped = see(recorded(query, { kind: 'dropped', outcome: 'rule', direction: 'in' }))!.facts
  assert.deepEqual([dropped.ttl, dropped.destination, dropped.port], [63, 0x0a00000b, 53])
})

test('the payload of a segment begins behind its options, and what Ethernet pads is none', () => {
  const options = Uint8Array.from({ length: 12 }, () => 1)
  const segment = packet(ether(), ip(), tcp({ ...ports, flags: 24, options }), 'GET / HT')
  const { facts, isOpening } = see(recorded(segment))!
  assert.deepEqual([facts.head, facts.next, isOpening], ['47455420', '2f204854', false])
  const empty = Uint8Array.from([...packet(ether(), ip(), tcp({ ...ports, flags: 16 })), 0, 0, 0, 0, 0, 0])
  assert.equal(see(recorded(empty))!.facts.head, undefined)
  assert.equal(see(recorded(segment, { outcome: 'answered' })), undefined)
})

test('what goes to a client says nothing of clients, whoever sent it, but the SYN that was challenged does', () => {
  const challenge = packet(ether(), ip(), tcp({ ...ports, flags: 16 }))
  for (const outcome of ['challenged', 'reset', 'time-exceeded', 'turned', 'answer-redirected'] as const)
    assert.equal(see(recorded(challenge, { outcome })), undefined, outcome)
  const syn = packet(ether(), ip(), tcp({ ...ports, flags: 2 }))
  const asked = see(recorded(syn, { kind: 'new', outcome: 'challenged', direction: 'in' }))
  assert.equal(asked?.isOpening, true)
})
