// Which test files run beside which. A third of the tests mostly waits (for check intervals, time-outs, servers) and
// measures time; the rest computes. So there are two lanes: what waits runs two files at once, as nothing else does
// on the machine; what computes runs at a low priority beside it, and has the processors that waiting leaves. Pure
// files that change nothing of their process, and look at no clock, share one: most are done in less time than a process takes to start.
// Left out: running them (run-tests.mjs).

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './setup/process.mjs'

/** What computes although it needs a kernel, the longest first. Other kernels are programs that compute, too. */
const COMPUTING = [
  'test/mutants',
  'test/network/uml',
  'test/path/fuzz',
  'test/uml/',
  'test/lvs/',
  'test/random-',
]

/** The longest of those that wait, which begin first: at the end one of them would run alone. */
const LONG = [
  'test/package',
  'src/lab/demo',
  'test/scenario/checks',
  'test/scenario/daemon',
  'test/scenario/survival',
]

/** Who looks at the clock is no work for the background. */
const TIMED = /\b(performance|Date)\.now\b|\bsetTimeout\b|\bdelay\(/

/** What a file may do that others in its process would notice, or that notices others. */
const ALONE =
  /^(before|after)(Each)?\(|\bmock\b|\bprocess\.(on|once|chdir|exit|exitCode)\b|\bprocess\.env\.\w+ =/m

/** So many processes share the pure files: they end about when the rest does. */
const BATCHES = 6

const isPure = (/** @type {string} */ file) => !file.endsWith('.kernel.test.ts')
const rank = (/** @type {readonly string[]} */ first) => (/** @type {string} */ file) => {
  const at = first.findIndex((path) => file.startsWith(path))
  return at < 0 ? first.length : at
}
const inOrder = (/** @type {readonly string[]} */ files, /** @type {readonly string[]} */ first) =>
  files.toSorted((a, b) => rank(first)(a) - rank(first)(b))

/**
 * lanes: the files given, as what runs beside each other. Batches are written into `folder`.
 * @param {readonly string[]} files
 * @param {string} folder
 * @returns {{ waiting: string[], computing: string[] }}
 */
export function lanes(files, folder) {
  const shared = files.filter((file) => {
    const text = isPure(file) ? readFileSync(join(root, file), 'utf8') : undefined
    return text !== undefined && !ALONE.test(text) && !TIMED.test(text)
  })
  const batches = Array.from({ length: BATCHES }, (_, batch) =>
    shared.filter((_, index) => index % BATCHES === batch),
  ).filter(({ length }) => length > 0)
  const rest = files.filter((file) => !shared.includes(file))
  const computes = (/** @type {string} */ file) => rank(COMPUTING)(file) < COMPUTING.length
  return {
    waiting: inOrder(
      rest.filter((file) => !computes(file)),
      LONG,
    ),
    computing: [
      ...inOrder(rest.filter(computes), COMPUTING),
      ...batches.map((batch, index) => {
        const entry = join(folder, `pure-${index + 1}.test.mjs`)
        writeFileSync(
          entry,
          batch.map((file) => `import ${JSON.stringify(pathToFileURL(join(root, file)).href)}\n`).join(''),
        )
        return entry
      }),
    ],
  }
}
