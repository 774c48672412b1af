// Events on disks that are full, read-only, or come back: real file systems of a few pages.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { openEvents } from '../daemon/keep-events.ts'
import { mount, unmount } from '../sys/mount.ts'
import type { NewEvent } from './event.ts'
import { readEvents } from './event-files.ts'

let disk: string
let run: string

beforeEach(() => {
  disk = mkdtempSync(join(tmpdir(), 'tenbin-disk-'))
  run = mkdtempSync(join(tmpdir(), 'tenbin-run-'))
  mount('tmpfs', disk, 'size=64k')
})
afterEach(() => {
  unmount(disk)
  rmdirSync(disk)
  rmSync(run, { recursive: true })
})

const ignore = () => undefined
const open = () =>
  openEvents(
    { events: join(disk, 'events'), eventNumbers: join(run, 'events.seq') },
    { info: ignore, warn: ignore, error: ignore },
  )
const some: NewEvent = { kind: 'server.down', severity: 'warning', text: 'web1 down in www'.padEnd(400, '.') }

async function until(isTrue: () => boolean, what: string): Promise<void> {
  for (const deadline = Date.now() + 10_000; !isTrue(); await delay(10))
    assert.ok(Date.now() < deadline, `not in time: ${what}`)
}

test('on a full disk events go on in memory, a problem says so, and all are written when there is room', async () => {
  const kept = open()
  const { events } = kept
  for (let i = 0; i < 20; i++) events.record(some)
  await until(() => readEvents(join(disk, 'events')).length === 20, 'they are written')
  const ballast = join(disk, 'ballast')
  assert.throws(() => writeFileSync(ballast, Buffer.alloc(128 * 1024)), /ENOSPC/)
  for (let i = 0; i < 100; i++) events.record(some)
  await until(() => kept.problems().length > 0, 'the problem')
  const [problem] = kept.problems()
  assert.equal(problem!.code, 'EVENTS_UNKEPT')
  assert.match(problem!.message, /^events are kept in memory only: ENOSPC/)
  assert.equal(events.latest().length, 120)
  // What a daemon that is killed now leaves is whole lines.
  const found = open().events.latest()
  assert.ok(found.length >= 20 && found.every(({ seq }, i) => seq === i + 1))
  rmSync(ballast)
  await until(() => kept.problems().length === 0, 'it is over')
  await kept.close()
  assert.deepEqual(
    open()
      .events.latest()
      .map(({ seq }) => seq),
    Array.from({ length: 120 }, (_, i) => i + 1),
  )
})

test('on a read-only file system events are in memory, which is said once and is no problem', async () => {
  execFileSync('mount', ['-o', 'remount,ro', disk])
  const kept = open()
  kept.events.record(some)
  await until(() => kept.problems().length === 0 && kept.events.latest().length === 2, 'it is said')
  kept.problems()
  const [, said] = kept.events.latest()
  assert.equal(said!.kind, 'node.unkept')
  assert.match(said!.text, /^events are kept in memory only: EROFS: read-only file system/)
  assert.equal(kept.events.latest().length, 2)
  assert.deepEqual(readdirSync(disk), [])
  await kept.close()
  // Numbers go on all the same.
  const later = open()
  later.events.record(some)
  assert.equal(later.events.latest()[0]!.seq, 3)
  await later.close()
})
