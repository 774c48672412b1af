import assert from 'node:assert/strict'
import { openSync } from 'node:fs'
import { test } from 'node:test'
import type { MapSpec } from '../bpf/program.ts'
import { Fd } from '../sys/fd.ts'
import { isErrno } from '../sys/syscall.ts'
import { possibleCpus } from './cpus.ts'
import { handCode, returning } from './hand-code.ts'
import { BpfMap, mapDifference } from './map.ts'
import { loadProgram } from './program.ts'

const array: MapSpec = { name: 'tb_array', type: 'array', keySize: 4, valueSize: 12, maxEntries: 3 }
const hash: MapSpec = { name: 'tb_hash', type: 'hash', keySize: 2, valueSize: 4, maxEntries: 2 }
const key32 = (key: number): Buffer => Buffer.from(Uint32Array.of(key).buffer)
const key16 = (key: number): Buffer => Buffer.from(Uint16Array.of(key).buffer)
const refused = (run: () => unknown, ...names: string[]) =>
  assert.throws(run, (error) => isErrno(error, ...names))

test('an array has all its elements from the start, zeroed, and keeps what is stored', () => {
  using map = BpfMap.create(array)
  assert.deepEqual(map.lookup(key32(2)), Buffer.alloc(12))
  map.update(key32(2), Buffer.alloc(12, 7))
  assert.deepEqual(map.lookup(key32(2)), Buffer.alloc(12, 7))
  assert.equal(map.lookup(key32(3)), undefined)
  assert.deepEqual(
    [...map.keys()].map((key) => key.readUInt32LE()),
    [0, 1, 2],
  )
  refused(() => map.delete(key32(0)), 'EINVAL')
})

test('a hash holds what was stored, once where asked, and no more than fits', () => {
  using map = BpfMap.create(hash)
  assert.deepEqual([map.lookup(key16(1)), [...map.keys()], map.delete(key16(1))], [undefined, [], false])
  refused(() => map.update(key16(1), key32(1), 'old'), 'ENOENT')
  map.update(key16(1), key32(10), 'new')
  refused(() => map.update(key16(1), key32(11), 'new'), 'EEXIST')
  map.update(key16(1), key32(12), 'old')
  map.update(key16(2), key32(20))
  refused(() => map.update(key16(3), key32(30)), 'E2BIG')
  assert.deepEqual([...map.keys()].map((key) => key.readUInt16LE()).sort(), [1, 2])
  assert.equal(map.lookup(key16(1))?.readUInt32LE(), 12)
  assert.ok(map.delete(key16(1)))
  assert.equal(map.lookup(key16(1)), undefined)
})

test('every kind of map is made as its spec says, and the kernel says so', () => {
  const value = { keySize: 4, valueSize: 4, maxEntries: 8 }
  for (const type of ['array', 'hash', 'percpu_array', 'lru_hash', 'devmap', 'prog_array'] as const) {
    const spec: MapSpec = { name: `tb_${type}`, type, ...value }
    using map = BpfMap.create(spec)
    const { id, ...info } = map.info
    assert.ok(id > 0)
    assert.deepEqual(info, { name: spec.name, type, ...value, mmapable: false })
    assert.equal(mapDifference(spec, map.info), undefined)
  }
})

test('a per-CPU value has a part for each possible CPU, rounded up to 8 bytes', () => {
  using map = BpfMap.create({
    name: 'tb_cpu',
    type: 'percpu_array',
    keySize: 4,
    valueSize: 12,
    maxEntries: 1,
  })
  assert.equal(map.valueBytes, 16 * possibleCpus().count)
  const value = Buffer.alloc(map.valueBytes)
  value.writeUInt32LE(9, map.valueBytes - 16)
  map.update(key32(0), value)
  assert.deepEqual(map.lookup(key32(0)), value)
})

test('direct memory is the same bytes as the map, without calls, and one mapping however often it is asked for', () => {
  using map = BpfMap.create({ ...array, mmapable: true })
  assert.equal(map.memory.byteLength, 16 * 3)
  assert.equal(map.memory, map.memory)
  const words = new Uint32Array(map.memory)
  words[4] = 77
  assert.equal(map.lookup(key32(1))?.readUInt32LE(), 77)
  map.update(key32(2), Buffer.alloc(12, 1))
  assert.deepEqual([...words.subarray(8, 11)], [0x01010101, 0x01010101, 0x01010101])
})

test('a map opened twice has one memory, and a view that outlives its map reads zeros', () => {
  using map = BpfMap.create({ ...array, mmapable: true })
  const other = BpfMap.adopt(map.fd.duplicate())
  const [mine, theirs] = [new Uint32Array(map.memory), new Uint32Array(other.memory)]
  mine[0] = 5
  assert.equal(theirs[0], 5)
  other[Symbol.dispose]()
  assert.deepEqual([theirs[0], mine[0]], [0, 5])
})

test('64 MiB of direct memory can be had and is zeroed', () => {
  const valueSize = 64 << 20
  using map = BpfMap.create({
    name: 'tb_large',
    type: 'array',
    keySize: 4,
    valueSize,
    maxEntries: 1,
    mmapable: true,
  })
  const bytes = new Uint8Array(map.memory)
  assert.equal(Buffer.compare(bytes, Buffer.alloc(valueSize)), 0)
  bytes[valueSize - 1] = 1
  assert.equal(map.lookup(key32(0))?.at(-1), 1)
})

test('memory of a map that has none, and keys and values of the wrong size, are bugs', () => {
  using map = BpfMap.create(array)
  assert.throws(() => map.memory, /invariant broken: map tb_array is not mmapable/)
  assert.throws(() => map.lookup(Buffer.alloc(3)), /invariant broken: map tb_array: a key of 3 bytes/)
  assert.throws(
    () => map.update(key32(0), Buffer.alloc(13)),
    /invariant broken: map tb_array: a value of 13 bytes/,
  )
})

test('what the kernel cannot make is refused with the name of the map', () => {
  refused(() => BpfMap.create({ ...array, maxEntries: 0 }), 'EINVAL')
  assert.throws(() => BpfMap.create({ ...hash, valueSize: 1 << 26 }), {
    errno: 'E2BIG',
    message: /^create map tb_hash: E2BIG: BPF_MAP_CREATE: /,
  })
  assert.throws(() => BpfMap.create({ ...array, name: 'sixteen_letters_' }), /cannot name a BPF object/)
})

test('a descriptor that is no map is not taken for one, and is closed', () => {
  const file = Fd.own(openSync('/dev/null', 'r'))
  const { program } = loadProgram({
    name: 'tb_pass',
    code: handCode(...returning(2)),
    relocations: [],
    maps: [],
    flags: 0,
  })
  for (const [fd, found] of [
    [file, 'no BPF object'],
    [program.fd, 'a program'],
  ] as const) {
    assert.throws(() => BpfMap.adopt(fd), {
      code: 'BPF_OBJECT_UNEXPECTED',
      message: `open map: this is ${found}, not a map`,
    })
    assert.ok(!fd.isOpen)
  }
})

test('every way in which a map is not what a spec says is told', () => {
  using map = BpfMap.create({ ...array, mmapable: true })
  for (const [spec, difference] of [
    [{ type: 'hash' }, 'type array, not hash'],
    [{ keySize: 8 }, 'key of 4 bytes, not 8'],
    [{ valueSize: 16 }, 'value of 12 bytes, not 16'],
    [{ maxEntries: 4 }, '3 entries, not 4'],
    [{}, 'mmapable'],
    [{ mmapable: true }, undefined],
  ] as const)
    assert.equal(mapDifference({ ...array, ...spec }, map.info), difference)
  assert.equal(mapDifference({ ...array, mmapable: true }, { ...map.info, mmapable: false }), 'not mmapable')
})
