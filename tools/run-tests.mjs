// Runs test files where nothing else is: tools/test.mjs starts it in mount and network namespaces of their own. /run,
// the temporary folder, the daemon's keys and the bpf file system are fresh there, so tests meet no tenbin that runs on
// this machine, and whatever is there at the end is what they left behind: that is a failure. Processes are shared with
// the machine.

import { execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, rmdirSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { leftBehind, MARK, survey } from './leftovers.mjs'
import { root, say, signals } from './setup/process.mjs'

/** The longest that one file may take: those that boot other kernels take a minute. */
const FILE_TIMEOUT_MS = 600_000
const TEMPORARY = '/run/tmp'
const KEYS = '/var/lib/tenbin'

const mount = (/** @type {readonly string[]} */ ...args) => execFileSync('mount', args, { stdio: 'inherit' })

/** prepare mounts what is to be fresh; what it returns leaves the machine's own folders as they were. tsx keeps the
 * machine's cache: it saves a minute. */
function prepare() {
  const cache = `tsx-${process.geteuid?.()}`
  const shared = `${tmpdir()}/${cache}`
  mkdirSync(shared, { recursive: true })
  mount('-t', 'sysfs', 'sysfs', '/sys')
  mount('-t', 'bpf', 'bpf', '/sys/fs/bpf')
  mount('-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', '/run')
  const isNew = mkdirSync(KEYS, { recursive: true }) !== undefined
  mount('-t', 'tmpfs', '-o', 'mode=700', 'tmpfs', KEYS)
  mkdirSync(`${TEMPORARY}/${cache}`, { recursive: true })
  mount('--bind', shared, `${TEMPORARY}/${cache}`)
  execFileSync('ip', ['link', 'set', 'lo', 'up'], { stdio: 'inherit' })
  process.env.TMPDIR = TEMPORARY
  return () => {
    execFileSync('umount', [KEYS], { stdio: 'inherit' })
    try {
      if (isNew) rmdirSync(KEYS)
    } catch {
      // Somebody has put something there meanwhile.
    }
  }
}

/** runTests returns node's exit status. @param {readonly string[]} files @param {string} mark @returns {Promise<number>} */
function runTests(files, mark) {
  const child = spawn(
    process.execPath,
    [
      ...['--import', 'tsx', '--test', `--test-timeout=${FILE_TIMEOUT_MS}`],
      `--test-concurrency=${Math.max(2, Math.min(4, availableParallelism()))}`,
      `--test-reporter=${process.stdout.isTTY ? 'spec' : './tools/reporter.mjs'}`,
      ...['--test-reporter-destination=stdout', ...files],
    ],
    { cwd: root, stdio: 'inherit', env: { ...process.env, [MARK]: mark } },
  )
  // A terminal's Ctrl-C reaches the child by itself.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'))
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP']))
    process.on(signal, () => child.kill(signal))
  return new Promise((resolve) => {
    child.on('close', (code, signal) => resolve(code ?? 128 + (signals[signal ?? ''] ?? 0)))
  })
}

const restore = prepare()
const mark = randomUUID()
const before = survey(mark)
const status = await runTests(process.argv.slice(2), mark)
const left = await leftBehind(mark, before)
for (const item of left) say(`left behind: ${item}`)
restore()
process.exitCode = status !== 0 ? status : left.length === 0 ? 0 : 1
