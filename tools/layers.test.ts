import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importsOf, readDrawing, type Source, violations } from './layers.ts'

const document = `# Title
\`\`\`
npm start
\`\`\`
\`\`\`
README.md
src/
  base/        no I/O: errors (one class), src/none/
  sys/         native calls
               and more about sys/ here
  cli/  lab/   commands
test/          scenarios
\`\`\`
`
const rest: readonly Source[] = ['base', 'sys', 'cli', 'lab'].map((folder) => ({
  path: `src/${folder}/x.ts`,
  text: '',
}))
const found = (path: string, text: string): readonly string[] =>
  violations(document, [...rest, { path, text }])

test('the drawing gives every folder its line, and folders on one line the same', () => {
  const layers = readDrawing(document)
  assert.deepEqual([...layers.keys()], ['base', 'sys', 'cli', 'lab'])
  assert.ok((layers.get('base') ?? 0) < (layers.get('sys') ?? 0))
  assert.equal(layers.get('cli'), layers.get('lab'))
})

test('a document without a drawing is an error', () => {
  assert.throws(() => readDrawing('# nothing\n'), /no drawing/)
})

test('imports of all forms are seen, and those in comments are not', () => {
  const text = `import a from './a.ts'
import type { B } from './b.ts'
import {
  c,
  d,
} from './c.ts'
import './e.ts'
export { f } from './f.ts'
export type * from './g.ts'
const h = await import('./h.ts')
// import x from './comment.ts'
/* import y from './block.ts' */
const text = "words from nowhere"
`
  assert.deepEqual(
    importsOf(text).toSorted(),
    ['a', 'b', 'c', 'e', 'f', 'g', 'h'].map((name) => `./${name}.ts`),
  )
})

test('a file may import its own folder and folders above', () => {
  assert.deepEqual(found('src/sys/y.ts', "import './x.ts'\nimport '../base/x.ts'\nimport 'node:fs'\n"), [])
})

test('a file may not import a folder below, nor another one of the same line', () => {
  assert.deepEqual(found('src/base/y.ts', "import { fd } from '../sys/fd.ts'\n"), [
    'src/base/y.ts imports src/sys/fd.ts: base may not import sys',
  ])
  assert.deepEqual(found('src/lab/y.ts', "import { fd } from '../cli/x.ts'\n"), [
    'src/lab/y.ts imports src/cli/x.ts: lab may not import cli',
  ])
})

test('tests import what they like', () => {
  assert.deepEqual(
    found('src/base/y.test.ts', "import '../sys/x.ts'\nimport '../../test/support/x.ts'\n"),
    [],
  )
})

test('a source imports no test and nothing outside src', () => {
  assert.deepEqual(found('src/sys/y.ts', "import './z.test.ts'\nimport '../../test/x.ts'\n"), [
    'src/sys/y.ts imports src/sys/z.test.ts: sources may not import tests',
    'src/sys/y.ts imports test/x.ts: src may not import test',
  ])
})

test('only sys makes native calls', () => {
  assert.deepEqual(found('src/sys/y.ts', "import koffi from 'koffi'\n"), [])
  assert.deepEqual(found('src/lab/y.ts', "import koffi from 'koffi'\n"), [
    'src/lab/y.ts imports koffi: only sys may make native calls',
  ])
})

test('a folder that is not drawn, and a drawn folder that is not there, are told', () => {
  assert.deepEqual(found('src/extra/y.ts', ''), ['src/extra/y.ts is in no folder that ARCHITECTURE.md draws'])
  assert.deepEqual(violations(document, rest.slice(0, 3)), [
    'ARCHITECTURE.md draws src/lab/, which has no sources',
  ])
})

test('a file of more than 500 lines is told, 500 are allowed', () => {
  assert.deepEqual(found('test/y.ts', '\n'.repeat(500)), [])
  assert.match(found('test/y.ts', '\n'.repeat(501))[0] ?? '', /test\/y.ts has 501 lines/)
})
