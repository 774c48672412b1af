import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readlinkSync } from 'node:fs'
import { test } from 'node:test'
import { createNamed, namespaceNames, namespacePath, openNamed, removeNamed } from './named-namespace.ts'
import { NetworkNamespace } from './namespace.ts'
import { isErrno } from './syscall.ts'

const SELF = new URL('./named-namespace.ts', import.meta.url).href

const here = (): string => readlinkSync('/proc/thread-self/ns/net')
const linkNames = (): string[] => {
  const links = JSON.parse(execFileSync('ip', ['-json', 'link'], { encoding: 'utf8' })) as {
    ifname: string
  }[]
  return links.map(({ ifname }) => ifname)
}

test('a function runs in another namespace, its children too, and the thread is back afterwards', () => {
  const before = here()
  using namespace = NetworkNamespace.create()
  assert.equal(here(), before)
  const { inside, links } = namespace.run(() => ({ inside: here(), links: linkNames() }))
  assert.equal(inside, `net:[${namespace.id}]`)
  assert.notEqual(inside, before)
  assert.ok(links.includes('lo') && !links.includes('eth0'))
  assert.equal(here(), before)
})

test('the thread is back when the function throws, and when namespaces are nested', () => {
  const before = here()
  using outer = NetworkNamespace.create()
  using inner = NetworkNamespace.create()
  const visited: string[] = []
  assert.throws(
    () =>
      outer.run(() => {
        inner.run(() => visited.push(here()))
        visited.push(here())
        throw new Error('thrown inside')
      }),
    /thrown inside/,
  )
  assert.deepEqual(visited, [`net:[${inner.id}]`, `net:[${outer.id}]`])
  assert.equal(here(), before)
})

test('work that would go on after the thread has left is a bug that shows', () => {
  const before = here()
  using namespace = NetworkNamespace.create()
  assert.throws(() => namespace.run(async () => undefined), /goes on after it was left/)
  assert.equal(here(), before)
})

test('a thread can enter for good, and a namespace lives on while it is open', () => {
  using before = NetworkNamespace.current()
  using namespace = NetworkNamespace.create()
  namespace.enter()
  try {
    assert.equal(here(), `net:[${namespace.id}]`)
  } finally {
    before.enter()
  }
  using again = NetworkNamespace.open(`/proc/self/fd/${namespace.fd.number}`)
  assert.equal(again.id, namespace.id)
})

test('what is no namespace is refused', () => {
  assert.throws(
    () => NetworkNamespace.open('/run/netns/tenbin-there-is-none'),
    (e) => isErrno(e, 'ENOENT'),
  )
  using file = NetworkNamespace.open('/dev/null')
  assert.throws(
    () => file.enter(),
    (e) => isErrno(e, 'EINVAL'),
  )
  assert.throws(() => openNamed('../../etc/passwd'), /invariant broken/)
})

test('a name is one that ip netns knows, and the other way round', () => {
  const name = `tenbin-test-${process.pid}`
  const listed = (): boolean => execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).includes(name)
  try {
    using namespace = createNamed(name)
    assert.ok(listed() && namespaceNames().includes(name))
    const seen = execFileSync('ip', ['netns', 'exec', name, 'readlink', '/proc/self/ns/net'], {
      encoding: 'utf8',
    })
    assert.equal(seen.trim(), `net:[${namespace.id}]`)
    using again = openNamed(name)
    assert.equal(again.id, namespace.id)
    assert.throws(
      () => createNamed(name),
      (e) => isErrno(e, 'EEXIST'),
    )
    assert.ok(listed(), 'a name that is taken stays')
    assert.equal(removeNamed(name), true)
    assert.equal(removeNamed(name), false)
    assert.ok(!listed() && !existsSync(namespacePath(name)))
    execFileSync('ip', ['netns', 'add', name])
    using theirs = openNamed(name)
    assert.notEqual(theirs.run(here), here())
    assert.equal(removeNamed(name), true)
  } finally {
    removeNamed(name)
  }
})

test('a name that cannot be made, since nobody may write there, is refused with the path and the kernel’s words', () => {
  const program = `
    import { createNamed } from '${SELF}'
    try { createNamed('tenbin-test') } catch ({ code, message }) { console.log(code + ' ' + message) }`
  const node = [
    process.execPath,
    '--import',
    import.meta.resolve('tsx'),
    '--input-type=module',
    '--eval',
    program,
  ]
  const sealed = 'mount -t tmpfs -o ro tmpfs /run && exec "$@"'
  assert.equal(
    execFileSync('unshare', ['--mount', 'sh', '-c', sealed, 'sh', ...node], {
      encoding: 'utf8',
      // The usual one may be below /run.
      env: { ...process.env, TMPDIR: '/tmp' },
    }).trim(),
    'SYSCALL_FAILED create namespace tenbin-test: EROFS: make /run/netns: mkdir: Read-only file system',
  )
})
