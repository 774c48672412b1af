// Captures on a disk that is full: a real file system of a few pages.

import assert from 'node:assert/strict'
import { mkdtempSync, rmdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { mount, unmount } from '../sys/mount.ts'
import { CaptureFile } from './evidence-files.ts'

test('a piece that the disk has no room for is not there by halves, and is written when there is room', async () => {
  const disk = mkdtempSync(join(tmpdir(), 'tenbin-full-'))
  mount('tmpfs', disk, 'size=64k')
  try {
    const other = join(disk, 'other')
    writeFileSync(other, Buffer.alloc(30_000))
    const file = new CaptureFile(join(disk, 'captures'), '20161101T201530Z-flood.began.pcapng', 2 ** 20)
    const piece = Buffer.alloc(20_000, 'x')
    assert.equal(await file.append(piece), true)
    await assert.rejects(file.append(piece), { code: 'ENOSPC' })
    assert.equal(statSync(file.path).size, piece.length)
    rmSync(other)
    assert.equal(await file.append(piece), true)
    assert.equal(statSync(file.path).size, 2 * piece.length)
  } finally {
    unmount(disk)
    rmdirSync(disk)
  }
})

test('a disk is not filled: a tenth of it stays, or 64 MiB of a large one', async () => {
  const disk = mkdtempSync(join(tmpdir(), 'tenbin-full-'))
  mount('tmpfs', disk, 'size=1m')
  try {
    const file = new CaptureFile(join(disk, 'captures'), '20161101T201530Z-flood.began.pcapng', 2 ** 24)
    const fill = async () => {
      for (let i = 0; i < 20; i++) await file.append(Buffer.alloc(64 * 1024))
    }
    await assert.rejects(fill, { code: 'ENOSPC' })
    const { bsize, bavail, blocks } = statfsSync(disk)
    assert.ok(bavail >= blocks / 10, `${(bavail * bsize) / 1024} KiB`)
    writeFileSync(join(disk, 'keys'), Buffer.alloc(100_000))
  } finally {
    unmount(disk)
    rmdirSync(disk)
  }
})
