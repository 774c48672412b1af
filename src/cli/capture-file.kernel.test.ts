// What -w leaves on the disk: one that fills up, files that were there, pipes.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, test } from 'node:test'
import type { RecordedPacket } from '../engine/recorded.ts'
import { mount, unmount } from '../sys/mount.ts'
import { CaptureSink } from './capture-file.ts'
import { blocksOf } from './pcapng.fixture.ts'

const bytes = Buffer.alloc(54)
const packet: RecordedPacket = {
  ...{ at: 0, kind: 'new', outcome: 'forwarded', direction: 'in', service: 'www' },
  ...{ interface: 'eth0', length: bytes.length, bytes },
}
/** packetsOf a file: its enhanced packet blocks. */
const packetsOf = (path: string): number => blocksOf(readFileSync(path)).filter((type) => type === 6).length

let dir: string
let file: string
let said: string[]

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tenbin-capture-file-'))
  mount('tmpfs', dir, 'size=64k')
  file = join(dir, 'night.pcapng')
  said = []
})
afterEach(() => {
  unmount(dir)
  rmSync(dir, { recursive: true })
})

const sinkOf = (path: string) => new CaptureSink(path, 'test', (text) => said.push(text))

/** written: packets that a sink took, until so many or its place is full. */
function written(path: string, count: number): number {
  using sink = sinkOf(path)
  sink.begin(['eth0'])
  let taken = 0
  try {
    for (; taken < count; taken++) sink.add(packet)
    sink.end()
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'CAPTURE_UNWRITABLE')
    assert.match(String(error), /ENOSPC/)
  }
  return taken
}

test('on a disk that fills up the file ends with the last whole block', () => {
  const taken = written(file, 10_000)
  assert.ok(taken > 100 && taken < 10_000)
  assert.equal(packetsOf(file), taken)
  assert.deepEqual([readdirSync(dir), said], [['night.pcapng'], []])
})

test('what was there stays when the disk fills up, and what was captured is beside it', () => {
  writeFileSync(file, 'evidence')
  const taken = written(file, 10_000)
  const part = `${file}.${process.pid}.part`
  assert.equal(readFileSync(file, 'latin1'), 'evidence')
  assert.equal(packetsOf(part), taken)
  assert.deepEqual(said, [`what was captured is in ${part}; ${file} is as it was`])
})

test('a file for which there is no room at all is not there', () => {
  writeFileSync(file, 'evidence')
  const full = join(dir, 'full')
  assert.throws(() => writeFileSync(full, Buffer.alloc(100_000)), { code: 'ENOSPC' })
  for (const path of [file, join(dir, 'new.pcapng')]) {
    using sink = sinkOf(path)
    assert.throws(() => sink.begin(['eth0']), { code: 'CAPTURE_UNWRITABLE' })
  }
  assert.deepEqual([readdirSync(dir).sort(), said], [['full', 'night.pcapng'], []])
  assert.equal(readFileSync(file, 'latin1'), 'evidence')
})

test('a complete capture takes the place of what was there, behind a link, for those who could read it', () => {
  writeFileSync(file, 'evidence')
  chmodSync(file, 0o640)
  const link = join(dir, 'link')
  symlinkSync('night.pcapng', link)
  written(link, 3)
  assert.equal(packetsOf(link), 3)
  assert.equal(statSync(file).mode & 0o777, 0o640)
  assert.deepEqual([readdirSync(dir).sort(), said], [['link', 'night.pcapng'], []])
})

test('a file that is new or empty is seen to grow', () => {
  const empty = join(dir, 'empty')
  writeFileSync(empty, '')
  for (const path of [file, empty]) {
    using sink = sinkOf(path)
    sink.begin(['eth0'])
    sink.add(packet)
    assert.equal(packetsOf(path), 1)
  }
})

test('a FIFO gets what comes and stays one', async () => {
  const fifo = join(dir, 'fifo')
  assert.equal(spawnSync('mkfifo', [fifo]).status, 0)
  const reader = spawn('cat', [fifo], { stdio: ['ignore', 'pipe', 'ignore'] })
  const read = buffer(reader.stdout)
  written(fifo, 3)
  assert.deepEqual(blocksOf(await read).slice(-3), [6, 6, 6])
  assert.ok(statSync(fifo).isFIFO())
})

test('what the shell has open is added to, not replaced', () => {
  const script = `import('./src/cli/capture-file.ts').then(({ CaptureSink }) => {
    const sink = new CaptureSink(process.argv[1], 'test', console.error)
    sink.begin(['eth0'])
    sink.end()
  })`
  for (const path of ['-', '/dev/stdout', '/dev/fd/1']) {
    writeFileSync(file, 'evidence')
    const words = ['--import', 'tsx', '--eval', script, path]
    const { stderr } = spawnSync('sh', ['-c', `"$0" "$@" >> ${file}`, process.execPath, ...words], {
      encoding: 'utf8',
    })
    assert.equal(stderr, '')
    const now = readFileSync(file)
    assert.equal(now.subarray(0, 8).toString('latin1'), 'evidence', path)
    assert.deepEqual(blocksOf(now.subarray(8)), [0x0a0d0d0a, 1], path)
  }
})
