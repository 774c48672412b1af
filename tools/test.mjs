// npm test: sets the machine up, builds, checks, and runs the tests: all of them, or those whose path holds one of the
// words given (then without the checks). What tests leave behind is a failure, too (tools/run-tests.mjs).

import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { build, isStale } from './build.mjs'
import { check } from './check.mjs'
import { main, root, SetupError, say, signals } from './setup/process.mjs'
import { setup, testPackages } from './setup.mjs'

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

/** runTests runs them in mount and network namespaces of their own. @param {readonly string[]} files @returns {Promise<number>} */
function runTests(files) {
  const runner = join(root, 'tools/run-tests.mjs')
  const child = spawn('unshare', ['--mount', '--net', process.execPath, runner, ...files], {
    cwd: root,
    stdio: 'inherit',
  })
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
  const status = await runTests(files)
  if (!checked) say('npm run check FAILED, see above')
  process.exitCode = status !== 0 ? status : checked ? 0 : 1
})
