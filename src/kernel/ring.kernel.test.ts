import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytes, objectMap, struct } from '../bpf/types.ts'
import { eq, fields } from '../bpf/values.ts'
import { plainFunction, program } from '../bpf/xdp.ts'
import { BpfMap } from './map.ts'
import { loadProgram } from './program.ts'
import { Ring } from './ring.ts'
import { testRun } from './test-run.ts'

const skip = process.geteuid?.() !== 0 && 'loading programs needs root'
const PAGE = 4096
const RECORD = 1_000
const Record = struct('record', { length: 'u64', frame: bytes(RECORD - 8) })

/** A program that hands its packet over, or gives the record up when the packet begins with 1; 1: there is no room. */
function hands() {
  const ring = objectMap('ring', 'ringbuf', PAGE)
  const main = plainFunction('main', (p) => {
    const { data, end } = p.packet()
    const { first } = p.headers(data, end, { first: struct('first', { octet: 'u8' }) }, () => p.exitValue(0))
    const octet = p.stash(p.load(first.octet))
    const record = p.ringbufReserve(ring, Record, () => p.exitValue(1))
    const { length, frame } = fields(record)
    const size = p.constant(64)
    p.store(length, p.widen(size))
    p.loadBytes(0, frame, p.widen(size), () => {
      p.ringbufDiscard(record)
      p.exitValue(3)
    })
    p.exitIf(eq(p.unstash(octet), 1), () => {
      p.ringbufDiscard(record)
      p.exitValue(2)
    })
    p.ringbufSubmit(record)
    p.exitValue(2)
  })
  const { spec } = program('hands', main)
  const maps = new Map(spec.maps.map((map) => [map.name, BpfMap.create(map)]))
  return { program: loadProgram(spec, maps).program, map: maps.get('ring')! }
}

test('records come in order, whole, over the ring’s end; what was given up does not come', { skip }, () => {
  const { program: hand, map } = hands()
  using loaded = hand
  using owned = map
  using ring = new Ring(owned)
  assert.deepEqual(ring.take(), [])
  const packet = (octet: number) => Uint8Array.from({ length: 64 }, (_, i) => (i === 0 ? octet : i))
  const run = (octet: number) => testRun(loaded, { packet: packet(octet) }).verdict
  for (let round = 0; round < 10; round++) {
    const sent = [2, 1, 3, 4]
    for (const octet of sent) assert.equal(run(octet), 2)
    assert.equal(run(5), 1, 'four fill the ring')
    const got = ring.take()
    assert.deepEqual(
      got.map((record) => [record.length, record[0], record.subarray(8, 72)]),
      [2, 3, 4].map((octet) => [RECORD, 64, packet(octet)]),
    )
  }
  assert.equal(testRun(loaded, { packet: new Uint8Array(20) }).verdict, 3, 'the packet has no 64 bytes')
  assert.deepEqual(ring.take(), [])
})
