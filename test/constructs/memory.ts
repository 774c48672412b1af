// Loads, stores, copies and arrays.

import assert from 'node:assert/strict'
import { array, bytes, direct, KIND_BYTES, struct } from '../../src/bpf/types.ts'
import { be16, be32, eq, fields, part, whole } from '../../src/bpf/values.ts'
import { blob, type Construct, memory, packetBytes, piece, put, same, Triple, take } from './construct.ts'

const kinds = ['u8', 'u16', 'u32', 'u64'] as const
const wires = ['be16', 'be32'] as const
const { offsets } = memory.type

/** number of the bytes from `at` on, first one lowest. */
const little = (from: Uint8Array, at: number, width: number): bigint =>
  from.subarray(at, at + width).reduceRight((sum, octet) => (sum << 8n) | BigInt(octet), 0n)
const loads: Construct = {
  name: 'load reads each width from the packet, direct memory and the stack, zero-extended',
  run: (kernel) => {
    const it = kernel.plain((p) => {
      const packet = packetBytes(p)
      const text = p.memory(memory).text
      const Local = struct('local', { all: bytes(8) })
      for (const [i, kind] of kinds.entries()) {
        put(p, i, p.load(part(packet, 40, kind)))
        put(p, 4 + i, p.load(part(text, 8, kind)))
        const local = p.onStack(Local, { all: piece(packet, 32, 8) })
        put(p, 8 + i, p.load(part(fields(local).all, 0, kind)))
      }
    })
    const text = Uint8Array.from({ length: 32 }, (_, i) => 0xf0 - i)
    new Uint8Array(it.memory().buffer).set(text, offsets.text)
    assert.equal(it.run().verdict, 2)
    for (const [i, kind] of kinds.entries()) {
      same(it.got(i), little(blob(), 40, KIND_BYTES[kind]), `${kind} of the packet`)
      same(it.got(4 + i), little(text, 8, KIND_BYTES[kind]), `${kind} of direct memory`)
      same(it.got(8 + i), little(blob(), 32, KIND_BYTES[kind]), `${kind} of the stack`)
    }
  },
}

const orders: Construct = {
  name: 'a wire-order value compares with a wire-order constant, swaps to host order, and hashes as the word it is',
  run: (kernel) => {
    const it = kernel.plain((p) => {
      const packet = packetBytes(p)
      for (const [i, kind] of wires.entries()) {
        const value = p.load(part(packet, 20, kind))
        put(p, 2 * i, p.toHost(value))
        put(p, 2 * i + 1, p.bits(value))
      }
      p.exitIf(eq(p.load(part(packet, 20, 'be16')), be16(0x1516)), () => p.exitValue(3))
    })
    assert.equal(it.run().verdict, 3)
    same(it.got(0), 0x1516)
    same(it.got(1), 0x1615)
    same(it.got(2), 0x15161718)
    same(it.got(3), 0x18171615)
  },
}

const constants = { u8: 0xfe, u16: 0xfedc, u32: 0xfedcba98, u64: 0x1234_5678_9abc } as const

const stores: Construct = {
  name: 'store writes each width, constants and values, and no byte beside it',
  run: (kernel) => {
    const at = [0, 4, 8, 16]
    const it = kernel.plain((p) => {
      const packet = packetBytes(p)
      const { text } = p.memory(memory)
      for (const [i, kind] of kinds.entries()) {
        p.store(part(packet, at[i]!, kind), constants[kind] as never)
        p.store(part(text, at[i]!, kind), p.load(part(packet, 48, kind)) as never)
      }
      p.store(part(packet, 24, 'be16'), be16(0x0800))
      p.store(part(packet, 28, 'be32'), be32(0xc0000201))
      p.storeLow(part(packet, 32, 'u16'), take(p, 0))
      p.storeLow(part(packet, 36, 'u32'), take(p, 0))
      p.storeLow(part(packet, 40, 'u8'), take(p, 0))
    })
    it.give(0, 0x1122334455667788n)
    const { packet } = it.run()
    const expected = Buffer.from(blob())
    expected.set([0xfe], 0)
    expected.writeUInt16LE(constants.u16, 4)
    expected.writeUInt32LE(constants.u32, 8)
    expected.writeBigUInt64LE(BigInt(constants.u64), 16)
    expected.set([0x08, 0x00], 24)
    expected.set([192, 0, 2, 1], 28)
    expected.set([0x88, 0x77], 32)
    expected.set([0x88, 0x77, 0x66, 0x55], 36)
    expected.set([0x88], 40)
    assert.deepEqual(packet, expected)
    const text = new Uint8Array(32)
    for (const [i, kind] of kinds.entries()) text.set(blob().subarray(48, 48 + KIND_BYTES[kind]), at[i]!)
    assert.deepEqual(new Uint8Array(it.memory().buffer, offsets.text, 32), text)
  },
}

const sums: Construct = {
  name: 'increment and atomicAdd add to memory modulo 2^64, by constants, values and less than nothing',
  run: (kernel) => {
    const it = kernel.plain((p) => {
      const out = (i: number) => p.element(p.memory(memory).out, i)
      p.increment(out(0), 1)
      p.increment(out(1), -1)
      p.increment(out(2), take(p, 0))
      p.increment(out(3), p.narrow(take(p, 0)))
      p.atomicAdd(out(4), take(p, 0))
      p.increment(out(5), 0xffff_ffff)
    })
    it.give(0, 0xffff_ffff_ffff_fff0n)
    for (let round = 0; round < 2; round++) it.run()
    same(it.got(0), 2)
    same(it.got(1), 0xffff_ffff_ffff_fffen)
    same(it.got(2), 0xffff_ffff_ffff_ffe0n)
    same(it.got(3), 0x1_ffff_ffe0n)
    same(it.got(4), 0xffff_ffff_ffff_ffe0n)
    same(it.got(5), 0x1_ffff_fffen)
  },
}

const fetches: Construct = {
  name: 'fetchAdd adds and gives what was there before, in 32 and in 64 bits',
  run: (kernel) => {
    const it = kernel.plain((p) => {
      const { out, narrow } = p.memory(memory)
      put(p, 1, p.fetchAdd(p.element(out, 0), take(p, 0)))
      put(p, 2, p.widen(p.fetchAdd(p.element(narrow, 1), take(p, 0))))
      p.atomicAdd(p.element(narrow, 2), 3)
      p.atomicAdd(p.element(narrow, 2), -5)
      p.fetchAdd(p.element(narrow, 3), 1)
    })
    const view = it.memory()
    it.give(0, 0x1_0000_0003n)
    view.setBigUint64(offsets.out, 0xffff_ffff_ffff_fffen, true)
    view.setUint32(offsets.narrow + 4, 0xffff_ffff, true)
    it.run()
    same(it.got(0), 0x1_0000_0001n)
    same(it.got(1), 0xffff_ffff_ffff_fffen)
    same(it.got(2), 0xffff_ffff)
    assert.deepEqual(
      [0, 1, 2, 3].map((i) => view.getInt32(offsets.narrow + 4 * i, true)),
      [0, 2, -2, 1],
    )
  },
}

const copies: Construct = {
  name: 'copy moves byte strings of every length up to 17, both ways, and no byte more',
  run: (kernel) => {
    for (let length = 1; length <= 17; length++) {
      const it = kernel.plain((p) => {
        const packet = packetBytes(p)
        const { text } = p.memory(memory)
        p.copy(piece(text, 3, length), piece(packet, 1, length))
        p.copy(piece(packet, 40, length), piece(text, 3, length))
      })
      const expected = blob()
      expected.copyWithin(40, 1, 1 + length)
      assert.deepEqual(new Uint8Array(it.run().packet), expected, `${length} bytes`)
      const text = new Uint8Array(32)
      text.set(blob().subarray(1, 1 + length), 3)
      assert.deepEqual(new Uint8Array(it.memory().buffer, offsets.text, 32), text)
    }
  },
}

const arrays: Construct = {
  name: 'elements are found by constant and by value, in strides of 4, 8 and 12 bytes; windows go on from there',
  run: (kernel) => {
    const it = kernel.plain((p) => {
      const { in: words, narrow, triples, out } = p.memory(memory)
      const index = p.alu('and', take(p, 0), 7)
      put(p, 0, p.load(p.element(words, index)))
      put(p, 1, p.load(p.element(narrow, index)))
      put(p, 2, p.load(fields(p.element(triples, index)).c))
      put(p, 3, p.load(fields(p.element(triples, 6)).b))
      const row = p.window(narrow, p.alu('and', take(p, 0), 3), 4)
      for (const [i, place] of row.entries()) p.store(p.element(out, 4 + i), p.widen(p.load(place)))
      const pinned = fields(p.pin(p.element(triples, index)))
      p.store(pinned.a, p.load(pinned.b))
      put(p, 8, p.load(whole(p.element(p.memory(pairs).all, index), 'u64')))
    })
    const view = it.memory()
    it.give(0, 5n)
    it.give(5, 0x5555n)
    for (let i = 0; i < 8; i++) {
      view.setUint32(offsets.narrow + 4 * i, 100 + i, true)
      for (const [j, base] of [1000, 2000, 3000].entries())
        view.setUint32(offsets.triples + Triple.size * i + 4 * j, base + i, true)
      it.memory(pairs.name).setBigUint64(8 * i, BigInt(7_000_000_000 + i), true)
    }
    it.run()
    same(it.got(0), 0x5555)
    same(it.got(1), 105)
    same(it.got(2), 3005)
    same(it.got(3), 2006)
    for (let i = 0; i < 4; i++) same(it.got(4 + i), 101 + i)
    assert.equal(view.getUint32(offsets.triples + Triple.size * 5, true), 2005)
    same(it.got(8), 7_000_000_005)
  },
}
const pairs = direct('pairs', { all: array(struct('pair', { a: 'u32', b: 'u32' }), 8) })

const distances: Construct = {
  name: 'places beyond the reach of an offset are reached, and copies across its end',
  run: (kernel) => {
    const it = kernel.plain((p) => {
      const { far, behind } = p.memory(memory)
      const base = p.pin(far)
      p.store(part(base, 39_999, 'u8'), 0xaa)
      p.copy(
        { ...base, offset: base.offset + 32_760, type: bytes(20) },
        { ...packetBytes(p), type: bytes(20) },
      )
      p.store(behind, 77)
    })
    it.run()
    const view = it.memory()
    assert.equal(view.getUint8(offsets.far + 39_999), 0xaa)
    same(view.getBigUint64(offsets.behind, true), 77)
    assert.deepEqual(new Uint8Array(view.buffer, offsets.far + 32_760, 20), blob().subarray(0, 20))
  },
}

const wide: Construct = {
  name: 'constants of more than 31 bits are what they are: in registers, in memory, in variables',
  run: (kernel) => {
    const numbers = [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]
    const it = kernel.plain((p) => {
      for (const [i, number] of numbers.entries()) {
        p.store(p.element(p.memory(memory).out, i), number)
        const variable = p.variable('u64')
        p.set(variable, number)
        put(p, 5 + i, variable)
      }
      put(p, 10, p.const64(0xfedc_ba98_7654_3210n))
      put(p, 11, p.alu('add', take(p, 0), 2 ** 40))
    })
    it.give(0, 5n)
    it.run()
    for (const [i, number] of numbers.entries()) {
      same(it.got(i), number)
      same(it.got(5 + i), number)
    }
    same(it.got(10), 0xfedc_ba98_7654_3210n)
    same(it.got(11), 2 ** 40 + 5)
  },
}

/** memoryConstructs: all of them. */
export const memoryConstructs: readonly Construct[] = [
  loads,
  orders,
  stores,
  sums,
  fetches,
  copies,
  arrays,
  distances,
  wide,
]
