// What tests may have left: named network namespaces, pins, links, mounts, files under /run and the temporary folder,
// processes. Its idea: survey before and after, in the namespaces that only the tests use (tools/run-tests.mjs), and
// report what is new. Processes have no namespace of their own; they are known by a variable of their environment.

import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** MARK: the environment variable that all processes of a test run inherit. */
export const MARK = 'TENBIN_TEST_RUN'

const list = (/** @type {string} */ folder) => {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

const read = (/** @type {string} */ file) => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** Caches that Node.js and tsx keep there on purpose. */
const isCache = (/** @type {string} */ name) => name.startsWith('tsx-') || name === 'node-compile-cache'

/** A zombie has no environment any more and counts as gone. @param {string} mark */
const marked = (mark) =>
  list('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => read(`/proc/${pid}/environ`).includes(`${MARK}=${mark}`))

/** @param {string} mark */
const processes = (mark) =>
  marked(mark).map((pid) => `process ${pid} ${read(`/proc/${pid}/cmdline`).split('\0').join(' ').trim()}`)

/** survey: all that a run named `mark` may leave, each as a line of text. @param {string} mark @returns {Set<string>} */
export const survey = (mark) =>
  new Set([
    ...list('/run/netns').map((name) => `network namespace ${name}`),
    ...list('/sys/fs/bpf/tenbin').flatMap((name) => [
      `pin /sys/fs/bpf/tenbin/${name}`,
      ...list(`/sys/fs/bpf/tenbin/${name}`).map((pin) => `pin /sys/fs/bpf/tenbin/${name}/${pin}`),
    ]),
    ...list('/sys/class/net').map((name) => `link ${name}`),
    ...list('/run')
      .filter((name) => name.startsWith('tenbin'))
      .map((name) => `file /run/${name}`),
    // Where the daemon keeps its keys unless it is told otherwise.
    ...list('/var/lib/tenbin').map((name) => `file /var/lib/tenbin/${name}`),
    ...list(tmpdir())
      .filter((name) => !isCache(name))
      .map((name) => `file ${join(tmpdir(), name)}`),
    ...processes(mark),
    ...read('/proc/self/mounts')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '')
      .filter((place) => place !== '' && !place.startsWith('/run/netns'))
      .map((place) => `mount ${place}`),
  ])

/** leftBehind: what is there beyond `before`, once it has had `patienceMs` to go away.
 * @param {string} mark @param {ReadonlySet<string>} before @param {number} [patienceMs] @returns {Promise<string[]>} */
export async function leftBehind(mark, before, patienceMs = 5000) {
  const end = performance.now() + patienceMs
  for (;;) {
    const left = [...survey(mark)].filter((item) => !before.has(item))
    if (left.length === 0 || performance.now() > end) return left
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** endProcesses that are left: in order, which a daemon's own children need, and those that do not end by force.
 * @param {string} mark @param {number} [patienceMs] @returns {Promise<void>} */
export async function endProcesses(mark, patienceMs = 5000) {
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGKILL'])) {
    for (const pid of marked(mark).map(Number)) {
      try {
        process.kill(pid, signal)
      } catch {
        // It has just ended by itself.
      }
    }
    for (const end = performance.now() + patienceMs; marked(mark).length > 0 && performance.now() < end; )
      await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
