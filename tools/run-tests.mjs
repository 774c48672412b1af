// Runs test files where nothing else is: tools/test.mjs starts it in mount and network namespaces of their own. /run,
// the temporary folder, the daemon's keys and the bpf file system are fresh there, so tests meet no tenbin that runs on
// this machine, and whatever is there at the end is what they left behind: that is a failure. Processes are shared with
// the machine.

import { execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, rmdirSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import { endProcesses, leftBehind, MARK, survey } from './leftovers.mjs'
import { FIGURES } from './reporter.mjs'
import { root, say, signals } from './setup/process.mjs'
import { lanes } from './test-lanes.mjs'

/** LONG: what asks for more than the suite has, of a test that is named (HACKING.md). */
const LONG = [
  'INCIDENT',
  'FAILOVERS',
  'APPLY_FAULTS',
  'APPLY_RUNS',
  'BULK_GB',
  'FLOWS',
  'KILLS',
  'SURVIVAL',
  'INTERLEAVINGS',
  'MUTANTS',
]
const isLong = LONG.some((name) => process.env[`TENBIN_${name}`] !== undefined)
/** The longest that one file may take: what computes a minute or two may have a tenth of a processor. */
const FILE_TIMEOUT_MS = isLong ? 24 * 3_600_000 : 1_200_000
/** The niceness of what computes: a tenth of a processor that others want. */
const BACKGROUND = 10
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

/** total: the closing lines of all lanes as those of one run. @param {ReadonlyMap<string, readonly number[]>} counts */
const total = (counts) =>
  [...counts].map(([name, each]) => {
    const longest = Math.max(...each)
    return `# ${name} ${name === 'duration_ms' ? longest : each.reduce((sum, count) => sum + count, 0)}\n`
  })

/**
 * runLane runs files in processes of their own, two at once, and tells of them line by line; the counts of its closing
 * lines it adds to `counts`. Returns node's exit status.
 * @param {readonly string[]} files
 * @param {{ mark: string, counts: Map<string, number[]>, niceness: number }} how
 * @returns {Promise<number>}
 */
function runLane(files, { mark, counts, niceness }) {
  if (files.length === 0) return Promise.resolve(0)
  const child = spawn(
    'nice',
    [
      ...['-n', `${niceness}`, process.execPath],
      ...['--import', 'tsx', '--test', `--test-timeout=${FILE_TIMEOUT_MS}`],
      `--test-concurrency=${Math.max(2, Math.min(4, availableParallelism()))}`,
      ...['--test-reporter=./tools/reporter.mjs', '--test-reporter-destination=stdout', ...files],
    ],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, [MARK]: mark, ...(isLong && { [FIGURES]: '' }) },
    },
  )
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [, name, count] = /^# (\w+) ([\d.]+)$/.exec(line) ?? []
    if (name === undefined) process.stdout.write(`${line}\n`)
    else counts.set(name, [...(counts.get(name) ?? []), Number(count)])
  })
  // A terminal's Ctrl-C reaches the child by itself.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'))
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP']))
    process.on(signal, () => child.kill(signal))
  return new Promise((resolve) => {
    child.on('close', (code, signal) => resolve(code ?? 128 + (signals[signal ?? ''] ?? 0)))
  })
}

/**
 * runTests returns 0, or the exit status of a lane that failed.
 * @param {ReturnType<typeof lanes>} lanes
 * @param {string} mark
 */
async function runTests({ waiting, computing }, mark) {
  /** @type {Map<string, number[]>} */
  const counts = new Map()
  const statuses = await Promise.all([
    runLane(waiting, { mark, counts, niceness: 0 }),
    runLane(computing, { mark, counts, niceness: BACKGROUND }),
  ])
  for (const line of total(counts)) process.stdout.write(line)
  return statuses.find((status) => status !== 0) ?? 0
}

const restore = prepare()
const mark = randomUUID()
const beside = lanes(process.argv.slice(2), TEMPORARY)
const before = survey(mark)
const status = await runTests(beside, mark)
const left = await leftBehind(mark, before)
for (const item of left) say(`left behind: ${item}`)
await endProcesses(mark)
restore()
process.exitCode = status !== 0 ? status : left.length === 0 ? 0 : 1
