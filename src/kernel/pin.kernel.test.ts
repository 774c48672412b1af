import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { MapSpec } from '../bpf/program.ts'
import { unmount } from '../sys/mount.ts'
import { isErrno } from '../sys/syscall.ts'
import { Attr, bpf, cText } from './bpf.ts'
import { handCode, returning } from './hand-code.ts'
import { BpfMap } from './map.ts'
import { ensureBpffs, PinDirectory, pinnedInstances } from './pin.ts'
import { BpfProgram, loadProgram } from './program.ts'

const root = mkdtempSync(join(tmpdir(), 'tenbin-bpffs-'))
const wasMounted = [ensureBpffs(root), ensureBpffs(root)]
after(() => {
  unmount(root)
  rmdirSync(root)
})

const spec: MapSpec = {
  name: 'tb_pinned',
  type: 'array',
  keySize: 4,
  valueSize: 8,
  maxEntries: 1,
  mmapable: true,
}
const zero = Buffer.alloc(4)
const value = (word: bigint): Buffer => Buffer.from(BigUint64Array.of(word).buffer)

/** A map with a word in it, pinned, and its own descriptor closed. */
function pinWord(pins: PinDirectory, name: string, word: bigint, how: 'pin' | 'replace' = 'pin'): void {
  using map = BpfMap.create(spec)
  map.update(zero, value(word))
  pins[how](name, map.fd)
}
function wordOf(pins: PinDirectory, name: string): bigint | undefined {
  const fd = pins.get(name)
  using map = fd && BpfMap.adopt(fd)
  return map?.lookup(zero)?.readBigUInt64LE()
}

test('bpffs is mounted once, and told apart from other file systems', () => {
  assert.deepEqual(wasMounted, [true, false])
  assert.throws(() => ensureBpffs('/no/such/directory'), { code: 'NOT_SUPPORTED' })
  assert.throws(() => PinDirectory.open('one', tmpdir()), /invariant broken: .* is no bpffs/)
})

test('what is pinned lives on without its descriptor, under any name, and is found again', () => {
  const pins = PinDirectory.open('lives', root)
  const names = ['eth0.100', 'slots', '100%', 'a/b', '天']
  for (const [index, name] of names.entries()) pinWord(pins, name, BigInt(index))
  assert.deepEqual(pins.names(), [...names].sort())
  for (const [index, name] of names.entries()) assert.equal(wordOf(pins, name), BigInt(index))
  assert.equal(wordOf(pins, 'missing'), undefined)
  pins.remove()
})

test('a pin is not made twice, but replaced in one step', () => {
  const pins = PinDirectory.open('twice', root)
  pinWord(pins, 'slots', 1n)
  assert.throws(
    () => pinWord(pins, 'slots', 2n),
    (error) => isErrno(error, 'EEXIST') && error.op === 'pin slots',
  )
  assert.equal(wordOf(pins, 'slots'), 1n)
  pinWord(pins, 'slots', 3n, 'replace')
  pinWord(pins, 'new', 4n, 'replace')
  assert.deepEqual([wordOf(pins, 'slots'), wordOf(pins, 'new')], [3n, 4n])
  assert.deepEqual(pins.names(), ['new', 'slots'])
  pins.remove()
})

test('a replacement that was never finished is no pin, and does not hinder the next one', () => {
  const pins = PinDirectory.open('crashed', root)
  using map = BpfMap.create(spec)
  const unfinished = cText(join(pins.path, '%new-slots'))
  bpf('BPF_OBJ_PIN', 'pin', new Attr().pointer(0, unfinished).u32(8, map.fd.number))
  assert.deepEqual([readdirSync(pins.path), pins.names()], [['%new-slots'], []])
  pinWord(pins, 'slots', 5n, 'replace')
  assert.deepEqual([readdirSync(pins.path), wordOf(pins, 'slots')], [['slots'], 5n])
  bpf('BPF_OBJ_PIN', 'pin', new Attr().pointer(0, unfinished).u32(8, map.fd.number))
  pins.remove()
  assert.equal(existsSync(pins.path), false)
})

test('a pin is renamed over another, and unpinned once', () => {
  const pins = PinDirectory.open('renamed', root)
  pinWord(pins, 'old', 1n)
  pinWord(pins, 'new', 2n)
  assert.equal(pins.rename('new', 'old'), true)
  assert.deepEqual([pins.names(), wordOf(pins, 'old')], [['old'], 2n])
  assert.equal(pins.rename('new', 'old'), false)
  assert.deepEqual([pins.unpin('old'), pins.unpin('old'), pins.names()], [true, false, []])
  pins.remove()
})

test('what was pinned lives on after unpinning while somebody holds it', () => {
  const pins = PinDirectory.open('held', root)
  pinWord(pins, 'slots', 7n)
  using map = BpfMap.adopt(pins.get('slots')!)
  pins.remove()
  assert.equal(new BigUint64Array(map.memory)[0], 7n)
})

test('two instances have the same names for their own, and one going leaves the other', () => {
  const [one, two] = [PinDirectory.open('one', root), PinDirectory.open('two', root)]
  pinWord(one, 'slots', 1n)
  pinWord(two, 'slots', 2n)
  assert.deepEqual(pinnedInstances(root), ['one', 'two'])
  assert.deepEqual([wordOf(one, 'slots'), wordOf(two, 'slots')], [1n, 2n])
  one.remove()
  one.remove()
  assert.deepEqual(pinnedInstances(root), ['two'])
  assert.equal(PinDirectory.find('one', root), undefined)
  assert.equal(wordOf(PinDirectory.find('two', root)!, 'slots'), 2n)
  two.remove()
  assert.deepEqual(pinnedInstances(root), [])
  assert.ok(!readdirSync(root).includes('tenbin'))
})

test('a pin of another kind than expected is refused', () => {
  const pins = PinDirectory.open('kinds', root)
  const code = handCode(...returning(2))
  using program = loadProgram({ name: 'tb_pinned', code, relocations: [], maps: [], flags: 0 }).program
  pins.pin('program', program.fd)
  pinWord(pins, 'map', 1n)
  assert.throws(() => BpfMap.adopt(pins.get('program')!), { code: 'BPF_OBJECT_UNEXPECTED' })
  assert.throws(() => BpfProgram.adopt(pins.get('map')!), { code: 'BPF_OBJECT_UNEXPECTED' })
  using again = BpfProgram.adopt(pins.get('program')!)
  assert.deepEqual(again.info, program.info)
  pins.remove()
})
