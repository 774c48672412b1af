import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmdirSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { isPrivate, mount, unmount, withLockedDirectory } from './mount.ts'
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

test('mounts are private below unshare, also two processes further down, and shared with a plain child', () => {
  const module = JSON.stringify(new URL('mount.ts', import.meta.url).href)
  const script = `import(${module}).then(({ isPrivate }) => console.log(isPrivate()))`
  const node = [process.execPath, '--import', import.meta.resolve('tsx'), '-e', script]
  const said = (...command: string[]) =>
    spawnSync(command[0]!, command.slice(1), { encoding: 'utf8' }).stdout.trim()
  assert.equal(said(...node), String(isPrivate()))
  assert.equal(said('unshare', '--mount', ...node), 'true')
  assert.equal(said('unshare', '--mount', 'sh', '-c', '"$@"; exit $?', 'sh', ...node), 'true')
})
