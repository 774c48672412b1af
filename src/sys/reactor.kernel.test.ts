import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { openSync, writeSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Fd } from './fd.ts'
import { Reactor, type Readiness } from './reactor.ts'
import { isErrno, nativeCall } from './syscall.ts'

const pipe2 = nativeCall('pipe2', 'int', ['buffer', 'int'])
const read = nativeCall('read', 'long', ['int', 'buffer', 'size_t'])
const O_NONBLOCK_CLOEXEC = 0o2004000

/** A pipe: its reading and its writing end. */
function pipe(): [Fd, Fd] {
  const cell = Buffer.alloc(8)
  pipe2(cell, O_NONBLOCK_CLOEXEC)
  return [Fd.own(cell.readInt32LE(0)), Fd.own(cell.readInt32LE(4))]
}
const drain = (fd: Fd): number => read.attempt(fd.number, Buffer.alloc(64), 64)
const put = (fd: Fd): number => writeSync(fd.number, 'x')
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Runs a script about a reactor and a pipe in a process of its own, which must end by itself. */
function script(source: string): {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
} {
  const path = (file: string): string => JSON.stringify(fileURLToPath(new URL(file, import.meta.url)))
  const prelude = `
    import { writeSync } from 'node:fs'
    import { Fd } from ${path('./fd.ts')}
    import { Reactor } from ${path('./reactor.ts')}
    import { nativeCall } from ${path('./syscall.ts')}
    const cell = Buffer.alloc(8)
    nativeCall('pipe2', 'int', ['buffer', 'int'])(cell, ${O_NONBLOCK_CLOEXEC})
    const input = Fd.own(cell.readInt32LE(0)), output = Fd.own(cell.readInt32LE(4))
    const read = nativeCall('read', 'long', ['int', 'buffer', 'size_t'])
    const drain = () => read.attempt(input.number, Buffer.alloc(64), 64)
  `
  const args = ['--expose-gc', '--import', 'tsx', '--input-type=module', '--eval', prelude + source]
  const result = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 20_000 })
  assert.equal(result.signal, null, `it did not end by itself: ${result.stdout}${result.stderr}`)
  return result
}

test('a callback comes for what is readable, as long as it is, and for nothing else', async () => {
  using reactor = new Reactor()
  const [input, output] = pipe()
  const [quiet, quietEnd] = pipe()
  const seen: Readiness[] = []
  const other = reactor.watch(quiet, { readable: true }, () => assert.fail('nothing was written there'))
  put(output)
  await new Promise<void>((resolve) => {
    const watch = reactor.watch(input, { readable: true }, (readiness) => {
      seen.push(readiness)
      if (seen.length < 3) return
      drain(input)
      watch[Symbol.dispose]()
      resolve()
    })
  })
  other[Symbol.dispose]()
  assert.deepEqual(seen, Array(3).fill({ readable: true, writable: false, failed: false }))
  for (const fd of [input, output, quiet, quietEnd]) fd[Symbol.dispose]()
})

test('interest can change, and a hang-up is told without any', async () => {
  using reactor = new Reactor()
  const [input, output] = pipe()
  const seen: Readiness[] = []
  await new Promise<void>((resolve) => {
    const watch = reactor.watch(output, {}, (readiness) => {
      seen.push(readiness)
      watch.change({})
      if (seen.length === 1) input[Symbol.dispose]()
      else {
        watch[Symbol.dispose]()
        resolve()
      }
    })
    watch.change({ writable: true })
  })
  assert.deepEqual(seen, [
    { readable: false, writable: true, failed: false },
    { readable: false, writable: false, failed: true },
  ])
  output[Symbol.dispose]()
})

test('a watch disposed by another callback of the same batch is not called, nor is who got its descriptor', async () => {
  using reactor = new Reactor()
  const pipes = [pipe(), pipe()]
  const called: string[] = []
  const watches = pipes.map(([input], index) =>
    reactor.watch(input, { readable: true }, () => {
      called.push(`pipe ${index}`)
      const [victim] = pipes[1 - index]!
      const { number } = victim
      watches[0]![Symbol.dispose]()
      watches[1]![Symbol.dispose]()
      victim[Symbol.dispose]()
      const heirs = pipe()
      assert.ok(heirs.some((heir) => heir.number === number))
      const watch = reactor.watch(heirs[0], { readable: true }, () => called.push('heir'))
      setImmediate(() => {
        watch[Symbol.dispose]()
        for (const fd of heirs) fd[Symbol.dispose]()
      })
    }),
  )
  for (const [, output] of pipes) put(output)
  for (let turns = 0; turns < 10; turns++) await turn()
  assert.equal(called.length, 1)
  assert.match(called[0]!, /^pipe/)
  for (const fd of pipes.flat()) fd[Symbol.dispose]()
})

test('what cannot be waited for is refused with an errno, and harms nothing', () => {
  using reactor = new Reactor()
  const file = Fd.own(openSync(fileURLToPath(import.meta.url), 'r'))
  const ignore = (): void => undefined
  assert.throws(
    () => reactor.watch(file, { readable: true }, ignore),
    (e) => isErrno(e, 'EPERM'),
  )
  const [input, output] = pipe()
  const watch = reactor.watch(input, { readable: true }, ignore)
  assert.throws(
    () => reactor.watch(input, { readable: true }, ignore),
    (e) => isErrno(e, 'EEXIST'),
  )
  watch[Symbol.dispose]()
  watch[Symbol.dispose]()
  reactor.watch(input, { readable: true }, ignore)[Symbol.dispose]()
  for (const fd of [file, input, output]) fd[Symbol.dispose]()
})

test('to close a descriptor before its watch is a bug that shows', () => {
  using reactor = new Reactor()
  const [input, output] = pipe()
  const watch = reactor.watch(input, { readable: true }, () => undefined)
  input[Symbol.dispose]()
  assert.throws(() => watch[Symbol.dispose](), /closed before its watch/)
  output[Symbol.dispose]()
})

test('a disposed reactor calls nobody, and its watches can be disposed after it', async () => {
  const reactor = new Reactor()
  const [input, output] = pipe()
  const watch = reactor.watch(input, { readable: true }, () => assert.fail('after the end'))
  put(output)
  reactor[Symbol.dispose]()
  reactor[Symbol.dispose]()
  for (let turns = 0; turns < 5; turns++) await turn()
  watch[Symbol.dispose]()
  for (const fd of [input, output]) fd[Symbol.dispose]()
})

test('a callback may dispose the reactor; nobody is called afterwards', async () => {
  const reactor = new Reactor()
  const pipes = [pipe(), pipe()]
  let calls = 0
  for (const [input, output] of pipes) {
    put(output)
    reactor.watch(input, { readable: true }, () => {
      calls++
      reactor[Symbol.dispose]()
    })
  }
  for (let turns = 0; turns < 10; turns++) await turn()
  assert.equal(calls, 1)
  for (const fd of pipes.flat()) fd[Symbol.dispose]()
})

test('the process lives for a watch, and ends when that is disposed', () => {
  const { stdout, status } = script(`
    const watch = new Reactor().watch(input, { readable: true }, () => {
      drain()
      console.log('read')
      watch[Symbol.dispose]()
    })
    // A timer that does not hold the process: only the watch can.
    setTimeout(() => writeSync(output.number, 'x'), 100).unref()
  `)
  assert.deepEqual([stdout, status], ['read\n', 0])
})

test('a watch that is not to keep the process does not', () => {
  const { stdout, status } = script(`
    const reactor = new Reactor()
    reactor.watch(input, { readable: true }, () => console.log('never'), { keepAlive: false })
    new Reactor()
  `)
  assert.deepEqual([stdout, status], ['', 0])
})

test('what a callback throws is an uncaught exception, and the other callbacks still run', () => {
  const { stdout, status } = script(`
    nativeCall('pipe2', 'int', ['buffer', 'int'])(cell, ${O_NONBLOCK_CLOEXEC})
    const second = Fd.own(cell.readInt32LE(0)), secondEnd = Fd.own(cell.readInt32LE(4))
    process.on('uncaughtException', (error) => console.log('uncaught', error.message))
    const reactor = new Reactor()
    const watches = [input, second].map((fd, index) => reactor.watch(fd, { readable: true }, () => {
      watches[index][Symbol.dispose]()
      throw new Error('from ' + index)
    }))
    writeSync(output.number, 'x')
    writeSync(secondEnd.number, 'x')
  `)
  assert.deepEqual([stdout.trim().split('\n').sort(), status], [['uncaught from 0', 'uncaught from 1'], 0])
})

test('without a handler what a callback throws ends the process', () => {
  const { stderr, status } = script(`
    const watch = new Reactor().watch(input, { readable: true }, () => { throw new Error('broken') })
    writeSync(output.number, 'x')
  `)
  assert.equal(status, 1)
  assert.match(stderr, /broken/)
})

test('a promise that a callback fulfils is gone on from, with nothing else for the loop to do', () => {
  const { stdout } = script(`
    const watch = new Reactor().watch(input, { readable: true }, async () => {
      drain()
      await null
      console.log('went on')
      watch[Symbol.dispose]()
    })
    writeSync(output.number, 'x')
  `)
  assert.equal(stdout, 'went on\n')
})

test('a reactor that nobody refers to is not collected while it watches', () => {
  const { stdout } = script(`
    new Reactor().watch(input, { readable: true }, () => {
      drain()
      console.log('read')
      process.exit(0)
    })
    setTimeout(() => {
      gc()
      setTimeout(() => { gc(); writeSync(output.number, 'x') }, 10)
    }, 10)
  `)
  assert.equal(stdout, 'read\n')
})

test('hundreds that are ready at once are all called back in one turn', async () => {
  using reactor = new Reactor()
  const pipes = Array.from({ length: 500 }, () => pipe())
  let seen = 0
  const watches = pipes.map(([input]) => reactor.watch(input, { readable: true }, () => void seen++))
  for (const [, output] of pipes) put(output)
  while (seen === 0) await turn()
  assert.equal(seen, 500)
  for (const watch of watches) watch[Symbol.dispose]()
  for (const ends of pipes) for (const end of ends) end[Symbol.dispose]()
})
