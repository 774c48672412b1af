import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { FIGURES, report } from './reporter.mjs'

type Event = Parameters<typeof report>[0] extends AsyncIterable<infer One> ? One : never

const event = (type: string, data: object): Event =>
  ({ type, data: { nesting: 0, message: '', details: { duration_ms: 2 }, ...data } }) as Event

async function reported(...events: readonly Event[]): Promise<string> {
  let text = ''
  for await (const part of report(
    (async function* () {
      yield* events
    })(),
  ))
    text += part
  return text
}

const a = join(process.cwd(), 'src/a.test.ts')
const b = join(process.cwd(), 'src/b.test.ts')

test('a file is a line, and the closing lines are node:test’s own', async () => {
  const text = await reported(
    event('test:pass', { name: 'one', file: a }),
    event('test:pass', { name: 'nested', file: a, nesting: 1 }),
    event('test:pass', { name: 'two', file: b }),
    event('test:diagnostic', { message: 'tests 3' }),
    event('test:diagnostic', { message: 'pass 3' }),
  )
  assert.equal(
    text,
    'ok src/a.test.ts: 2 passed (2 ms)\nok src/b.test.ts: 1 passed (2 ms)\n# tests 3\n# pass 3\n',
  )
})

test('what a test measures is told where that is asked for', async () => {
  const figure = event('test:diagnostic', { message: '12 ms', file: a })
  const passed = event('test:pass', { name: 'one', file: a })
  assert.equal(await reported(figure, passed), 'ok src/a.test.ts: 1 passed (2 ms)\n')
  process.env[FIGURES] = ''
  try {
    assert.equal(await reported(figure, passed), '    12 ms\nok src/a.test.ts: 1 passed (2 ms)\n')
  } finally {
    delete process.env[FIGURES]
  }
})

test('a failure is told with its file and its error', async () => {
  const error = Object.assign(new Error('test failed'), { cause: new Error('1 is not 2') })
  const text = await reported(
    event('test:fail', { name: 'numbers are equal', file: a, details: { duration_ms: 1, error } }),
  )
  assert.match(text, /^FAILED: numbers are equal \(src\/a.test.ts\)\n {4}Error: 1 is not 2\n/)
  assert.match(text, /\nFAILED src\/a.test.ts: 0 passed, 1 FAILED \(1 ms\)\n$/)
})

test('failures are told once more before the closing lines, in short', async () => {
  const cause = new Error(
    ['1 is not 2', ...Array.from({ length: 9 }, (_, line) => `line ${line}`)].join('\n'),
  )
  const error = Object.assign(new Error('test failed'), { cause })
  const text = await reported(
    event('test:fail', { name: 'numbers are equal', file: a, details: { duration_ms: 1, error } }),
    event('test:pass', { name: 'one', file: b }),
    event('test:diagnostic', { message: 'tests 2' }),
    event('test:diagnostic', { message: 'fail 1' }),
  )
  const [, end] = text.split('ok src/b.test.ts: 1 passed (2 ms)\n')
  assert.match(
    end!,
    /^FAILED: numbers are equal \(src\/a.test.ts\)\n {4}Error: 1 is not 2\n( {4}line \d\n){5}# tests 2\n# fail 1\n$/,
  )
})

test('a skip is told with its reason', async () => {
  const text = await reported(event('test:pass', { name: 'loads', file: a, skip: 'no kernel' }))
  assert.match(text, /^skipped: loads: no kernel \(src\/a.test.ts\)\nok src\/a.test.ts: 0 passed, 1 skipped/)
})
