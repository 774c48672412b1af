import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isErrno } from '../sys/syscall.ts'
import { counting, handCode, returning, type Slot } from './hand-code.ts'
import { BpfMap } from './map.ts'
import { type BpfProgram, loadProgram } from './program.ts'
import { runLive, testRun } from './test-run.ts'

const load = (...slots: readonly Slot[]): BpfProgram =>
  loadProgram({ name: 'tb_run', code: handCode(...slots), relocations: [], maps: [], flags: 0 }).program

/** Returns what stands at an offset of struct xdp_md. */
const contextWord = (offset: number): readonly Slot[] => [
  [0x61, 0x10, offset, 0],
  [0x95, 0, 0, 0],
]

/** r2 = data; r3 = data_end; if r2 + 14 > r3 drop; add 1 to the first byte; return XDP_TX */
const increment: readonly Slot[] = [
  [0x61, 0x12, 0, 0],
  [0x61, 0x13, 4, 0],
  [0xbf, 0x24, 0, 0],
  [0x07, 4, 0, 14],
  [0x2d, 0x34, 5, 0],
  [0x71, 0x25, 0, 0],
  [0x07, 5, 0, 1],
  [0x73, 0x52, 0, 0],
  ...returning(3),
  ...returning(1),
]

/** xdp_adjust_head(ctx, by) or xdp_adjust_tail(ctx, by), then XDP_TX. */
const adjust = (helper: 44 | 65, by: number): readonly Slot[] => [
  [0xb7, 2, 0, by],
  [0x85, 0, 0, helper],
  ...returning(3),
]

const packet = Buffer.from(Array.from({ length: 60 }, (_, index) => index))

test('the verdict and the bytes that the program left come back, the bytes given stay', () => {
  using program = load(...increment)
  const { verdict, packet: out, durationNs } = testRun(program, { packet })
  assert.equal(verdict, 3)
  assert.deepEqual(out, Buffer.from([1, ...packet.subarray(1)]))
  assert.equal(packet[0], 0)
  assert.ok(durationNs > 0)
})

test('with repeat a run gets what the one before left', () => {
  using program = load(...increment)
  assert.equal(testRun(program, { packet, repeat: 100 }).packet[0], 100)
})

test('a packet that grows or shrinks comes back whole', () => {
  for (const [helper, by, length] of [
    [44, -128, 188],
    [44, 20, 40],
    [65, -20, 40],
    [65, 200, 260],
  ] as const) {
    using program = load(...adjust(helper, by))
    assert.equal(testRun(program, { packet }).packet.length, length)
  }
})

test('a packet of 14 bytes is the smallest that can be run', () => {
  using program = load(...returning(2))
  assert.equal(testRun(program, { packet: packet.subarray(0, 14) }).packet.length, 14)
  for (const length of [0, 1, 13])
    assert.throws(
      () => testRun(program, { packet: packet.subarray(0, length) }),
      (error) => isErrno(error, 'EINVAL'),
    )
})

test('the program sees the interface that it is told, loopback where nothing is said', () => {
  using program = load(...contextWord(12))
  assert.equal(testRun(program, { packet }).verdict, 1)
  assert.equal(testRun(program, { packet, ingressIfindex: 1 }).verdict, 1)
  using queue = load(...contextWord(16))
  assert.equal(testRun(queue, { packet, ingressIfindex: 1, rxQueueIndex: 0 }).verdict, 0)
  assert.throws(
    () => testRun(program, { packet, ingressIfindex: 0x7fff_ffff }),
    (error) => isErrno(error, 'ENODEV'),
  )
})

test('live frames run as often as asked, in batches of at most 256', () => {
  const relocations = [{ insn: 0, kind: 'map-value', map: 'tb_mem', offset: 0 }] as const
  using map = BpfMap.create({
    name: 'tb_mem',
    type: 'array',
    keySize: 4,
    valueSize: 8,
    maxEntries: 1,
    mmapable: true,
  })
  const spec = { name: 'tb_run', code: handCode(...counting(1)), relocations, maps: [], flags: 0 }
  using program = loadProgram(spec, new Map([['tb_mem', map]])).program
  runLive(program, { packet, ingressIfindex: 1, repeat: 1000, batch: 16 })
  assert.equal(new BigUint64Array(map.memory)[0], 1000n)
  assert.throws(
    () => runLive(program, { packet, ingressIfindex: 1, batch: 257 }),
    (error) => isErrno(error, 'E2BIG'),
  )
})

test('no runs at all are a bug of the caller', () => {
  using program = load(...returning(2))
  for (const repeat of [0, -1, 1.5])
    assert.throws(() => testRun(program, { packet, repeat }), /invariant broken/)
})
