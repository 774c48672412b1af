import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmdirSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { mount, unmount, withLockedDirectory } from './mount.ts'
import { isErrno } from './syscall.ts'

const directory = mkdtempSync(join(tmpdir(), 'tenbin-mount-'))
after(() => rmdirSync(directory))

test('a file system is there after mount, with its options, and gone after unmount', () => {
  const before = statfsSync(directory).type
  mount('tmpfs', directory, 'size=8k')
  try {
    assert.equal(statfsSync(directory).type, 0x01021994)
    assert.throws(() => writeFileSync(join(directory, 'x'), Buffer.alloc(9000)), { code: 'ENOSPC' })
  } finally {
    unmount(directory)
  }
  assert.equal(statfsSync(directory).type, before)
})

test('a file system that the kernel lacks, and a place where nothing is mounted, are refused', () => {
  assert.throws(
    () => mount('no-such-fs', directory),
    (error) => isErrno(error, 'ENODEV'),
  )
  assert.throws(
    () => unmount(directory),
    (error) => isErrno(error, 'EINVAL'),
  )
})

test('another process waits for the lock until we let go, also when we let go by failing', async () => {
  const script = `require('node:fs').writeSync(1, 'locked')`
  let said = ''
  let child: ReturnType<typeof spawn> | undefined
  assert.throws(() =>
    withLockedDirectory(directory, () => {
      child = spawn('flock', ['--exclusive', directory, process.execPath, '-e', script])
      child.stdout!.on('data', (bytes) => {
        said += String(bytes)
      })
      const held = spawnSync('flock', ['--exclusive', '--nonblock', directory, 'true'])
      assert.equal(held.status, 1)
      throw new Error('failed')
    }),
  )
  await once(child!, 'close')
  assert.equal(said, 'locked')
  assert.equal(
    withLockedDirectory(directory, () => 5),
    5,
  )
})
