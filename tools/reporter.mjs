// How tests are told: a line for each file, failures and skips in full, and before node:test's closing lines
// (# tests, # pass, # fail) the failures once more, for who reads the end only. Events come file by file, in order, whatever runs at the same time.
// Reference: nodejs.org/docs/latest-v20.x/api/test.html, Custom reporters.

import { relative } from 'node:path'
import { inspect } from 'node:util'

const indent = (/** @type {string} */ text) => text.replace(/^/gm, '    ')

/** fileName: relative to here, as a person would name it. @param {string | undefined} file */
const fileName = (file) => (file === undefined ? '' : relative(process.cwd(), file))

/** FIGURES: set where what tests measure is told, too (run-tests.mjs). */
export const FIGURES = 'TENBIN_FIGURES'

/** CLOSING_LINES: of a failure's error that are told again at the end. */
const CLOSING_LINES = 6

/**
 * @typedef {object} TestEvent
 * @property {string} type
 * @property {{ name: string, file?: string, nesting: number, message: string, skip?: string | boolean, details: { duration_ms: number, type?: string, error?: Error } }} data
 */

/** report makes lines of node:test's events. @param {AsyncIterable<TestEvent>} events @returns {AsyncGenerator<string>} */
export async function* report(events) {
  let current = {
    file: /** @type {string | undefined} */ (undefined),
    passed: 0,
    failed: 0,
    skipped: 0,
    ms: 0,
  }
  /** Told once more, in short. @type {string[]} */
  let failures = []
  const summary = () => {
    const { file, passed, failed, skipped, ms } = current
    if (passed + failed + skipped === 0) return ''
    const counts = [`${passed} passed`, failed > 0 && `${failed} FAILED`, skipped > 0 && `${skipped} skipped`]
    return `${failed > 0 ? 'FAILED' : 'ok'} ${fileName(file)}: ${counts.filter(Boolean).join(', ')} (${Math.round(ms)} ms)\n`
  }
  for await (const { type, data } of events) {
    if (type === 'test:stdout' || type === 'test:stderr') yield data.message
    if (type === 'test:diagnostic' && data.file !== undefined && process.env[FIGURES] !== undefined)
      yield `${indent(data.message)}\n`
    if (type === 'test:diagnostic' && data.nesting === 0 && data.file === undefined) {
      yield summary()
      current = { file: undefined, passed: 0, failed: 0, skipped: 0, ms: 0 }
      yield* failures
      failures = []
      yield `# ${data.message}\n`
    }
    if (type !== 'test:pass' && type !== 'test:fail') continue
    if (data.file !== current.file) {
      yield summary()
      current = { file: data.file, passed: 0, failed: 0, skipped: 0, ms: 0 }
    }
    if (data.nesting === 0) current.ms += data.details.duration_ms
    if (data.skip !== undefined) {
      current.skipped++
      yield `skipped: ${data.name}: ${data.skip === true ? 'no reason given' : data.skip} (${fileName(data.file)})\n`
    } else if (type === 'test:pass') current.passed++
    else {
      current.failed++
      const { error } = data.details
      const failure = `FAILED: ${data.name} (${fileName(data.file)})\n`
      const why = indent(inspect(error?.cause ?? error))
      failures.push(failure, `${why.split('\n', CLOSING_LINES).join('\n')}\n`)
      yield `${failure}${why}\n`
    }
  }
  yield summary()
}

// biome-ignore lint/style/noDefaultExport: node:test takes a reporter by its default export only.
export default report
