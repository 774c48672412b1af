import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cpio } from './cpio.ts'

/** read: path -> mode and content, by the format's own words. */
function read(archive: Buffer): ReadonlyMap<string, { mode: number; content: string }> {
  const found = new Map<string, { mode: number; content: string }>()
  for (let at = 0; at < archive.length; ) {
    assert.equal(archive.toString('latin1', at, at + 6), '070701')
    const field = (index: number): number =>
      Number.parseInt(archive.toString('latin1', at + 6 + 8 * index, at + 14 + 8 * index), 16)
    const [mode, size, nameSize] = [field(1), field(6), field(11)]
    const path = archive.toString('utf8', at + 110, at + 109 + nameSize)
    const start = (at + 110 + nameSize + 3) & ~3
    if (path === 'TRAILER!!!') return found
    found.set(path, { mode, content: archive.toString('utf8', start, start + size) })
    at = (start + size + 3) & ~3
  }
  assert.fail('no trailer')
}

test('an archive holds its files with their modes, and folders before what is in them', () => {
  const archive = cpio([
    { path: 'init', content: Buffer.from('#!/bin/sh\n'), executable: true },
    { path: 'lib/modules/a.ko', content: Buffer.from('12345') },
    { path: 'proc' },
  ])
  const entries = read(archive)
  assert.deepEqual([...entries.keys()], ['init', 'lib', 'lib/modules', 'lib/modules/a.ko', 'proc'])
  assert.deepEqual(entries.get('init'), { mode: 0o100755, content: '#!/bin/sh\n' })
  assert.deepEqual(entries.get('lib/modules/a.ko'), { mode: 0o100644, content: '12345' })
  assert.deepEqual(entries.get('proc'), { mode: 0o040755, content: '' })
})
