import assert from 'node:assert/strict'
import { mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Fd } from './fd.ts'
import { addressOf, SharedMemory } from './memory.ts'
import { isErrno, nativeCall } from './syscall.ts'

const directory = mkdtempSync(join(tmpdir(), 'tenbin-memory-'))
after(() => rmSync(directory, { recursive: true }))

const file = (name: string, byteLength: number): { path: string; fd: Fd } => {
  const path = join(directory, name)
  writeFileSync(path, Buffer.alloc(byteLength))
  return { path, fd: Fd.own(openSync(path, 'r+')) }
}

const mappings = (path: string): number => readFileSync('/proc/self/maps', 'utf8').split(path).length - 1

test('what is written to mapped memory is in the file at once, also when its descriptor is closed', () => {
  const { path, fd } = file('shared', 8192)
  using memory = SharedMemory.map(fd, 8192)
  fd[Symbol.dispose]()
  new BigUint64Array(memory.buffer)[512] = 0x1122334455667788n
  assert.equal(readFileSync(path).readBigUInt64LE(4096), 0x1122334455667788n)
})

test('two mappings of one file are the same memory', () => {
  const { fd } = file('twice', 4096)
  using first = SharedMemory.map(fd, 4096)
  using second = SharedMemory.map(fd, 4096, { writable: false })
  fd[Symbol.dispose]()
  new Uint32Array(first.buffer)[3] = 77
  assert.equal(new Uint32Array(second.buffer)[3], 77)
})

test('after disposal the pages are free and a view kept by mistake reads zeros and writes nowhere', () => {
  const { path, fd } = file('gone', 1 << 20)
  const memory = SharedMemory.map(fd, 1 << 20)
  fd[Symbol.dispose]()
  const words = new Uint32Array(memory.buffer)
  words[3] = 7
  assert.equal(mappings(path), 1)
  memory[Symbol.dispose]()
  memory[Symbol.dispose]()
  assert.equal(mappings(path), 0)
  assert.equal(words[3], 0)
  words[3] = 9
  assert.equal(readFileSync(path).readUInt32LE(12), 7)
})

test('addresses are given back when nothing can look at them any more, disposed or forgotten', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const size = 1 << 30
  const { fd, path } = file('collected', 0)
  truncateSync(path, size)
  const virtualBytes = (): number => Number(readFileSync('/proc/self/statm', 'utf8').split(' ')[0]) * 4096
  const before = virtualBytes()
  for (let round = 0; round < 16; round++) {
    const memory = SharedMemory.map(fd, size)
    new Uint8Array(memory.buffer)[round] = 1
    if (round % 2) memory[Symbol.dispose]()
  }
  fd[Symbol.dispose]()
  assert.ok(virtualBytes() - before > 15 * size)
  for (let turn = 0; turn < 100 && virtualBytes() - before > size; turn++) {
    collect()
    await setImmediate()
  }
  assert.ok(virtualBytes() - before <= size, `${(virtualBytes() - before) / size} GiB are left`)
  assert.equal(mappings(path), 0)
})

test('what cannot be mapped is refused by its errno', () => {
  const { fd } = file('refused', 4096)
  assert.throws(
    () => SharedMemory.map(fd, 0),
    (error) => isErrno(error, 'EINVAL'),
  )
  fd[Symbol.dispose]()
  using directoryFd = Fd.own(openSync(directory, 'r'))
  assert.throws(
    () => SharedMemory.map(directoryFd, 4096),
    (error) => isErrno(error, 'ENODEV', 'EACCES'),
  )
})

test('the address of a buffer is where the kernel finds its bytes, inside a larger buffer too', () => {
  const text = Buffer.from('xx/dev/null\0')
  const open = nativeCall('open', 'int', ['address', 'int'])
  for (const bytes of [text.subarray(2), Uint8Array.from(text).subarray(2)]) {
    using fd = Fd.own(open(Number(addressOf(bytes)), 0))
    assert.ok(fd.isOpen)
  }
  assert.equal(addressOf(undefined), 0n)
})
