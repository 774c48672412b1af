import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { macBytes, parseMac } from '../base/addresses.ts'
import { array, bytes, direct, objectMap, struct, wire } from '../bpf/types.ts'
import { eq, fields, part } from '../bpf/values.ts'
import { plainFunction, program } from '../bpf/xdp.ts'
import { BpfMap } from '../kernel/map.ts'
import { loadProgram } from '../kernel/program.ts'
import { testRun } from '../kernel/test-run.ts'
import { Reactor } from '../sys/reactor.ts'
import { HeldFragments } from './held-fragments.ts'

const skip = process.geteuid?.() !== 0 && 'loading programs needs root'
const own = parseMac('02:00:00:00:00:01')
const Frame = wire('frame', { dst: bytes(6), src: bytes(6), rest: bytes(52) })
const Record = struct('record', { length: 'u64', frame: bytes(64) })

/** A program that hands over what does not come from our MAC, and counts what does. */
function subject() {
  const ring = objectMap('ring', 'ringbuf', 4096)
  const seen = direct('seen', { counts: array('u64', 2) })
  const main = plainFunction('main', (p) => {
    const { data, end } = p.packet()
    const { frame } = p.headers(data, end, { frame: Frame }, () => p.exitValue(0))
    const again = p.label('again')
    p.jumpIf(eq(p.load(part(frame.src, 5, 'u8')), 1), again)
    p.increment(p.element(p.memory(seen).counts, 0), 1)
    const record = p.ringbufReserve(ring, Record, () => p.exitValue(1))
    p.store(fields(record).length, 64)
    p.loadBytes(0, fields(record).frame, p.widen(p.constant(64)), () => {
      p.ringbufDiscard(record)
      p.exitValue(1)
    })
    p.ringbufSubmit(record)
    p.exitValue(1)
    p.bind(again)
    p.increment(p.element(p.memory(seen).counts, 1), 1)
    p.exitValue(1)
  })
  const { spec } = program('subject', main)
  const maps = new Map(spec.maps.map((map) => [map.name, BpfMap.create(map)]))
  const counts = () => [...new BigUint64Array(maps.get('seen')!.memory, 0, 2)].map(Number)
  return { program: loadProgram(spec, maps).program, ring: maps.get('ring')!, counts }
}

test('what is handed over runs again once, a moment later; what waited before anybody followed does not', {
  skip,
}, async () => {
  const { program: loaded, ring, counts } = subject()
  using reactor = new Reactor()
  using held = new HeldFragments(reactor)
  const packet = new Uint8Array(64).fill(9)
  packet.set(macBytes(own))
  testRun(loaded, { packet })
  held.follow({ ring, interfaces: [{ index: 1, mac: own, program: loaded }] })
  for (let i = 0; i < 3; i++) testRun(loaded, { packet })
  assert.deepEqual(counts(), [4, 0])
  for (const deadline = Date.now() + 5_000; counts()[1]! < 3 && Date.now() < deadline; ) await delay(5)
  assert.deepEqual(counts(), [4, 3])
  await delay(50)
  assert.deepEqual(counts(), [4, 3])

  // another is followed: it runs what the one before handed over, read or not
  const next = subject()
  for (let i = 0; i < 2; i++) {
    testRun(loaded, { packet })
    await delay(5 * i)
  }
  held.follow({ ring: next.ring, interfaces: [{ index: 1, mac: own, program: next.program }] })
  const again = () => counts()[1]! + next.counts()[1]!
  for (const deadline = Date.now() + 5_000; again() < 5 && Date.now() < deadline; ) await delay(5)
  // on a slow machine the first of them has run again before
  const [[first], [none, second]] = [counts(), next.counts()] as [number[], number[]]
  assert.deepEqual([first, none, again()], [6, 0, 5])
  assert.ok(second! >= 1, `${second} run by who is followed now`)
  held.follow({ ring, interfaces: [{ index: 1, mac: own, program: loaded }] })

  // released, nothing runs: neither what waits nor what comes
  testRun(loaded, { packet })
  await delay(5)
  held.release()
  testRun(loaded, { packet })
  await delay(60)
  assert.deepEqual(counts(), [8, 5 - second!])
  for (const each of [loaded, next.program]) each[Symbol.dispose]()
})
