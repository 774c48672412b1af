import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assemble } from './assemble.ts'
import { BtfBuilder, debugInfo, mapBtf } from './btf.ts'
import { alu, exit, type Insn, Label, loadImm64 } from './isa.ts'
import type { Line } from './line.ts'
import { array, bytes, direct, kernelMap, struct, wire } from './types.ts'

// A reader of its own, from btf.rst: it prints types as C would.
const EXTRA: Readonly<Record<number, (vlen: number) => number>> = {
  1: () => 1,
  3: () => 3,
  4: (n) => n * 3,
  13: (n) => n * 2,
}

function read(blob: Uint8Array) {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength)
  assert.equal(view.getUint16(0, true), 0xeb9f)
  assert.deepEqual([view.getUint8(2), view.getUint8(3)], [1, 0])
  const [headerBytes, typeOff, typeLen, strOff, strLen] = [4, 8, 12, 16, 20].map((at) =>
    view.getUint32(at, true),
  )
  assert.deepEqual([headerBytes, typeOff, strOff], [24, 0, typeLen])
  assert.equal(blob.length, 24 + typeLen! + strLen!)
  assert.equal(blob.at(-1), 0)
  const strings = blob.subarray(24 + strOff!)
  const text = (offset: number) =>
    new TextDecoder().decode(strings.subarray(offset, strings.indexOf(0, offset)))
  const types: number[][] = []
  for (let at = 24; at < 24 + typeLen!; ) {
    const info = view.getUint32(at + 4, true)
    const extra = EXTRA[(info >>> 24) & 31]?.(info & 0xffff) ?? 0
    types.push(Array.from({ length: 3 + extra }, (_, i) => view.getUint32(at + i * 4, true)))
    at += (3 + extra) * 4
  }
  const show = (id: number): string => {
    const [name, info, size, ...rest] = types[id - 1] ?? [0, 0, 0]
    const triples = Array.from({ length: rest.length / 3 }, (_, i) => rest.slice(i * 3, i * 3 + 3))
    switch ((info! >>> 24) & 31) {
      case 1:
        assert.equal(rest[0]! & 0xff, size! * 8)
        return text(name!)
      case 2:
        return `*${show(size!)}`
      case 3:
        return `${show(rest[0]!)}[${rest[2]}]`
      case 4:
        return `${text(name!)}:${size}{${triples.map(([n, t, o]) => `${o! / 8} ${text(n!)} ${show(t!)}`).join('; ')}}`
      case 7:
        return `struct ${text(name!)}`
      case 8:
        return `${text(name!)}=${show(size!)}`
      case 12:
        return `${info! & 0xffff ? 'global' : 'static'} ${text(name!)}${show(size!)}`
      case 13: {
        const params = Array.from(
          { length: rest.length / 2 },
          (_, i) => `${text(rest[i * 2]!)} ${show(rest[i * 2 + 1]!)}`,
        )
        return `(${params.join(', ')}) ${show(size!)}`
      }
      default:
        return '?'
    }
  }
  return { text, types, show }
}

test('an int has the bytes of btf.rst', () => {
  const btf = new BtfBuilder()
  assert.equal(btf.typeId('u32'), 1)
  assert.deepEqual(
    Buffer.from(btf.blob())
      .toString('hex')
      .match(/.{1,8}/g),
    [
      ...['9feb0100', '18000000', '00000000', '10000000', '10000000', '05000000'], // header
      ...['01000000', '00000001', '04000000', '20000000'], // name 1, kind INT, 4 bytes, 32 bits
      ...['00753332', '00'], // "", "u32"
    ],
  )
})

test('scalars, byte strings, arrays and structs carry names, sizes and offsets', () => {
  const server = struct('server', { mac: bytes(6), state: 'u16', packets: 'u64' })
  const header = wire('header', { kind: 'u8', length: 'be16', id: 'be32', stamp: 'be64' })
  const all = struct('all', {
    servers: array(server, 3),
    words: array('u32', 1000),
    rows: array(array('u8', 2), 4),
  })
  const btf = new BtfBuilder()
  const [a, b] = [btf.typeId(all), btf.typeId(header)]
  const { show } = read(btf.blob())
  const serverText = 'server:16{0 mac u8[6]; 6 state u16; 8 packets u64}'
  assert.equal(show(a), `all:4056{0 servers ${serverText}[3]; 48 words u32[1000]; 4048 rows u8[2][4]}`)
  assert.equal(show(b), 'header:15{0 kind u8; 1 length __be16=u16; 3 id __be32=u32; 7 stamp __be64=u64}')
})

test('equal types are one type and equal texts one string', () => {
  const btf = new BtfBuilder()
  const first = btf.typeId(struct('pair', { a: 'u32', b: 'u32' }))
  assert.equal(btf.typeId(struct('pair', { a: 'u32', b: 'u32' })), first)
  assert.notEqual(btf.typeId(struct('pair', { a: 'u32', c: 'u32' })), first)
  assert.equal(btf.string('twice'), btf.string('twice'))
  assert.equal(btf.string(''), 0)
  const { types, text } = read(btf.blob())
  assert.equal(types.length, 3)
  assert.equal(text(btf.string('twice')), 'twice')
})

test('a struct of almost 512 MB has offsets that fit', () => {
  const btf = new BtfBuilder()
  const id = btf.typeId(direct('huge', { rows: array('u64', 2 ** 26 - 2), last: 'u64' }).type)
  assert.equal(read(btf.blob()).show(id), `huge:${2 ** 29 - 8}{0 rows u64[67108862]; 536870896 last u64}`)
})

test('direct memory and arrays have a plain int as key, hashes their struct', () => {
  const btf = new BtfBuilder()
  const key = struct('key', { index: 'u32' })
  const value = struct('value', { count: 'u64' })
  const ids = [
    mapBtf(btf, direct('tables', { slots: array('u32', 4) })),
    mapBtf(btf, kernelMap('a', 'array', key, value, 2)),
    mapBtf(btf, kernelMap('h', 'hash', key, value, 2)),
  ]
  const { show } = read(btf.blob())
  assert.deepEqual(
    ids.map(({ keyTypeId, valueTypeId }) => [show(keyTypeId), show(valueTypeId)]),
    [
      ['u32', 'tables:16{0 slots u32[4]}'],
      ['u32', 'value:8{0 count u64}'],
      ['key:4{0 index u32}', 'value:8{0 count u64}'],
    ],
  )
})

test('names that are no C identifiers and texts with NUL are bugs', () => {
  const btf = new BtfBuilder()
  assert.throws(() => btf.typeId(struct('my-struct', { a: 'u8' })), /my-struct is no C identifier/)
  assert.throws(() => btf.typeId(struct('fine', { '0a': 'u8' })), /0a is no C identifier/)
  assert.throws(() => btf.func('a.b', 1), /a\.b is no C identifier/)
  assert.throws(() => btf.func('f', 6), /0 to 5/)
  assert.throws(() => btf.string('a\0b'), /no NUL/)
})

const at = (insn: Insn, file: string, line: number): Insn => ({
  ...insn,
  line: { file, line, text: `text ${line}` },
})
const words = (bytes: Uint8Array) => [...new Uint32Array(bytes.slice().buffer)]
const build = (...functions: (readonly Insn[])[]) =>
  assemble(functions.map((items, i) => ({ name: `f${i}`, entry: new Label(`f${i}`), items })))

test('functions get a record each, lines one where they change and at each function’s start', () => {
  const x = 'src/dataplane/x.ts'
  const assembled = build(
    [
      at(loadImm64(1, 1n), x, 7),
      at(alu('mov', 0, 0, 32), x, 7),
      alu('mov', 2, 0, 32),
      at(alu('mov', 3, 0, 32), x, 9),
      at(alu('mov', 3, 0, 32), 'src/y.ts', 9),
      at(exit(), x, 7),
    ],
    [alu('mov', 0, 0, 32), at(exit(), x, 7)],
  )
  const btf = new BtfBuilder()
  const { funcInfo, lineInfo } = debugInfo(assembled, btf)
  const { text, show } = read(btf.blob())
  const funcs = words(funcInfo)
  assert.deepEqual([funcs[0], funcs[2], funcs.length], [0, 7, 4])
  assert.equal(show(funcs[1]!), 'global f0(ctx *struct xdp_md) int')
  assert.equal(show(funcs[3]!), 'static f1(ctx *struct xdp_md) int')
  const lines = words(lineInfo)
  const records = Array.from({ length: lines.length / 4 }, (_, i) => {
    const [slot, file, line, column] = lines.slice(i * 4, i * 4 + 4)
    return [slot, text(file!), text(line!), column! >>> 10, column! & 1023]
  })
  assert.deepEqual(records, [
    [0, x, 'text 7', 7, 0],
    [4, x, 'text 9', 9, 0],
    [5, 'src/y.ts', 'text 9', 9, 0],
    [6, x, 'text 7', 7, 0],
    [7, x, 'text 7', 7, 0],
  ])
})

test('without any line there are no line records; a function without lines still has one if another has', () => {
  const bare = [alu('mov', 0, 0, 32), exit()]
  assert.equal(debugInfo(build(bare), new BtfBuilder()).lineInfo.length, 0)
  const { lineInfo } = debugInfo(build([at(exit(), 'a.ts', 3)], bare), new BtfBuilder())
  assert.deepEqual(
    words(lineInfo).filter((_, i) => i % 4 === 0),
    [0, 1],
  )
})

test('arguments after the context are 64-bit words', () => {
  const btf = new BtfBuilder()
  const ids = [btf.func('none', 0), btf.func('three', 3)]
  const { show } = read(btf.blob())
  assert.deepEqual(ids.map(show), [
    'static none() int',
    'static three(ctx *struct xdp_md, arg2 u64, arg3 u64) int',
  ])
})

test('a line beyond what 22 bits hold is cut to the greatest', () => {
  const line: Line = { file: 'a.ts', line: 2 ** 23, text: '' }
  const { lineInfo } = debugInfo(build([{ ...exit(), line }]), new BtfBuilder())
  assert.equal(words(lineInfo)[3]! >>> 10, 2 ** 22 - 1)
})
