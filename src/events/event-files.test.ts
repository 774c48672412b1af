import assert from 'node:assert/strict'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Event, eventOf } from './event.ts'
import { EventFiles } from './event-files.ts'

const at = new Date('2024-05-06T07:08:09.123Z')
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tenbin-events-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const directory = () => join(folder, 'events')
const files = () => readdirSync(directory()).sort()
const open = (limits = { fileBytes: 2 ** 20, files: 8 }) =>
  new EventFiles({ directory: directory(), sequence: join(folder, 'run', 'seq'), limits })

function addTo(store: EventFiles, count: number, text = 'web1 down in www'): void {
  for (let i = 0; i < count; i++)
    store.add(eventOf({ kind: 'server.down', severity: 'warning', text }, store.next(), at))
}

const seqs = (events: readonly Event[]) => events.map(({ seq }) => seq)
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

test('events are there again after a restart, and numbers go on', async () => {
  const store = open()
  addTo(store, 3)
  await store.close(1000)
  const later = open()
  assert.deepEqual(seqs(later.kept), [1, 2, 3])
  assert.deepEqual(
    later.kept[0],
    eventOf({ kind: 'server.down', severity: 'warning', text: 'web1 down in www' }, 1, at),
  )
  addTo(later, 2)
  await later.close(1000)
  assert.deepEqual(seqs(open().kept), [1, 2, 3, 4, 5])
  assert.deepEqual(files(), ['0000000000000001.ndjson'])
  const { mode } = statSync(join(directory(), files()[0]!))
  assert.equal(mode & 0o777, 0o600)
})

test('a kill leaves no number to be given twice, also where nothing was written', async () => {
  const store = open()
  addTo(store, 7)
  // Nothing is closed: the process is gone.
  const later = open()
  assert.ok(later.next() > 7)
  await store.close(1000)
})

test('what is written is bounded: the oldest files go', async () => {
  const limits = { fileBytes: 4096, files: 3 }
  const store = open(limits)
  for (let i = 0; i < 100; i++) {
    addTo(store, 2)
    await delay(1)
  }
  await store.close(1000)
  assert.equal(files().length, 3)
  const sizes = files().map((name) => statSync(join(directory(), name)).size)
  assert.ok(
    sizes.every((size) => size <= 4096),
    `${sizes}`,
  )
  const { kept } = open(limits)
  assert.ok(kept.length > 20)
  assert.deepEqual(seqs(kept), range(200 - kept.length + 1, 200))
})

test('a line that was cut short costs that event and no other, at every length', async () => {
  const store = open()
  addTo(store, 2)
  await store.close(1000)
  const path = join(directory(), files()[0]!)
  const whole = readFileSync(path)
  const first = whole.indexOf('\n') + 1
  for (let length = first; length < whole.length; length += 9) {
    writeFileSync(path, whole.subarray(0, length))
    const later = open()
    assert.deepEqual(seqs(later.kept), [1], `cut at ${length}`)
    addTo(later, 1)
    await later.close(1000)
    const [one, two, ...more] = open().kept
    assert.deepEqual([one!.seq, more.length], [1, 0])
    assert.ok(two!.seq >= 2)
  }
})

test('what is no event, or out of order, is left out', async () => {
  const store = open()
  addTo(store, 3)
  await store.close(1000)
  const path = join(directory(), files()[0]!)
  const [one, two, three] = readFileSync(path, 'utf8').split('\n')
  writeFileSync(path, [one, '{"seq":', '\0\0\0\0', '[]', three, two, '{"seq":9}', ''].join('\n'))
  appendFileSync(join(directory(), 'notes.txt'), 'not ours')
  mkdirSync(join(directory(), '0000000000000000.ndjson'))
  assert.deepEqual(seqs(open().kept), [1, 3])
})

test('a burst is written in pieces, in order', async () => {
  const store = open()
  addTo(store, 5_000, 'x'.repeat(500))
  await store.close(5000)
  const { kept } = open()
  assert.deepEqual(seqs(kept), range(1, 5_000))
  assert.ok(files().length >= 3)
})

test('a directory that cannot be made is told, and events go on', async () => {
  writeFileSync(directory(), 'a file where the directory is to be')
  const store = open()
  addTo(store, 2)
  for (let tries = 0; !store.unkept() && tries < 500; tries++) await delay(10)
  assert.match(store.unkept()!.why, /ENOTDIR|EEXIST/)
  assert.equal(store.unkept()!.isReadOnly, false)
  await store.close(1000)
})
