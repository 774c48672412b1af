// npm test: sets the machine up, builds, checks, and runs the tests: all of them, or those whose path holds one of the
// words given (then without the checks). Afterwards it looks for what tests left behind, and that is a failure.

import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { build, isStale } from './build.mjs'
import { check } from './check.mjs'
import { leftBehind, MARK, survey } from './leftovers.mjs'
import { main, root, SetupError, say, signals } from './setup/process.mjs'
import { setup, testPackages } from './setup.mjs'

/** The longest that one file may take: those that boot other kernels take a minute. */
const FILE_TIMEOUT_MS = 300_000

/** @param {readonly string[]} words */
const testFiles = (words) =>
  ['src', 'test', 'bench', 'tools']
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
        join(folder, name),
      ),
    )
    .filter(
      (file) =>
        file.endsWith('.test.ts') && (words.length === 0 || words.some((word) => file.includes(word))),
    )
    .sort()

/** runTests runs the files and returns node's exit status. @param {readonly string[]} files @param {string} mark @returns {Promise<number>} */
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

await main(async () => {
  const words = process.argv.slice(2)
  const files = testFiles(words)
  if (files.length === 0) throw new SetupError(`no test file has ${words.join(' or ')} in its path`)
  await setup(testPackages)
  if (isStale()) await build()
  const checked = words.length > 0 || (await check())

  const mark = randomUUID()
  const before = survey(mark)
  const status = await runTests(files, mark)
  const left = await leftBehind(mark, before)
  for (const item of left)
    say(`left behind, by these tests or by something else of tenbin that ran meanwhile: ${item}`)
  if (!checked) say('npm run check FAILED, see above')
  process.exitCode = status !== 0 ? status : checked && left.length === 0 ? 0 : 1
})
