// What tests may have left on this machine: named network namespaces, pins, links, mounts, files under /run and the
// temporary folder, processes. Its idea: survey before and after, and report what is new. Processes are known by a
// variable in their environment; a namespace in which somebody else's processes live is somebody else's.

import { readdirSync, readFileSync, statSync } from 'node:fs'
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

const inode = (/** @type {string} */ file) => {
  try {
    return statSync(file).ino
  } catch {
    return 0
  }
}

const ours = (/** @type {string} */ name) => name.startsWith('tenbin')

/** @param {string} folder @param {string} kind @returns {string[]} */
const named = (folder, kind) =>
  list(folder)
    .filter(ours)
    .map((name) => `${kind} ${join(folder, name)}`)

/** A zombie has no files any more and counts as gone. */
function processes() {
  return list('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => ({
      pid,
      command: read(`/proc/${pid}/cmdline`).split('\0').join(' ').trim(),
      environment: read(`/proc/${pid}/environ`),
      net: inode(`/proc/${pid}/ns/net`),
    }))
}

/** survey: all that a run named `mark` may leave, each as a line of text. @param {string} mark @returns {Set<string>} */
export function survey(mark) {
  const running = processes()
  const isOurs = (/** @type {{ environment: string }} */ { environment }) =>
    environment.includes(`${MARK}=${mark}`)
  const foreign = new Set(running.filter((one) => !isOurs(one)).map(({ net }) => net))
  return new Set([
    ...list('/run/netns')
      .filter((name) => ours(name) && !foreign.has(inode(join('/run/netns', name))))
      .map((name) => `network namespace ${name}`),
    ...list('/sys/fs/bpf/tenbin').flatMap((name) => [
      `pin /sys/fs/bpf/tenbin/${name}`,
      ...list(`/sys/fs/bpf/tenbin/${name}`).map((pin) => `pin /sys/fs/bpf/tenbin/${name}/${pin}`),
    ]),
    ...named('/sys/class/net', 'link'),
    ...named('/run', 'file'),
    ...named(tmpdir(), 'file'),
    ...running
      .filter((one) => isOurs(one) && Number(one.pid) !== process.pid)
      .map(({ pid, command }) => `process ${pid} ${command}`),
    ...read('/proc/self/mounts')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '')
      .filter((place) => place.includes('/tenbin') && !place.startsWith('/run/netns/'))
      .map((place) => `mount ${place}`),
  ])
}

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
