import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { callerLine, formatLine, projectPath, withoutLines } from './line.ts'
import { direct } from './types.ts'
import { eq } from './values.ts'
import { plainFunction, program } from './xdp.ts'

const memory = direct('memory', { count: 'u64', index: 'u32', pad: 'u32' })

/** here: this file's line that called. */
const here = () => Number(/line\.test\.ts:(\d+)/.exec(new Error().stack!.split('\n')[2]!)![1])

test('an instruction is told by the line that asked the builder for it, however deep the builder went', () => {
  const expected: number[] = []
  const { assembled } = program(
    't',
    plainFunction('t', (p) => {
      const { count, index } = p.memory(memory)
      expected.push(here() + 1)
      p.increment(count, 1)
      expected.push(here() + 1)
      const small = p.below(p.load(index), 2, () => {
        expected.push(here() + 1)
        p.exitValue(7)
      })
      expected.push(here() + 1)
      const scaled = p.scale(small, 5)
      expected.push(here() + 1)
      p.exitIf(eq(scaled, 4), () => p.exitValue(8))
      expected.push(here() + 1)
      p.exitValue(9)
    }),
  )
  const lines = assembled.insns.map(({ line }) => line!)
  assert.deepEqual(new Set(lines.map(({ file }) => file)), new Set(['src/bpf/line.test.ts']))
  assert.deepEqual(
    [...new Set(lines.map(({ line }) => line))].sort((a, b) => a - b),
    expected.sort((a, b) => a - b),
  )
})

test('a caller under many frames of its own is told by the innermost', () => {
  const deep = (n: number): string => (n === 0 ? formatLine(callerLine()) : deep(n - 1))
  assert.equal(deep(30), `src/bpf/line.test.ts:${here() - 1}`)
})

test('asking changes nothing about the errors of others', () => {
  const { prepareStackTrace, stackTraceLimit } = Error
  callerLine()
  assert.equal(Error.stackTraceLimit, stackTraceLimit)
  assert.equal(Error.prepareStackTrace, prepareStackTrace)
  assert.equal(typeof new Error('x').stack, 'string')
})

test('what is built without lines is the same code, and what is built after it, or after it failed, has lines', () => {
  const build = () =>
    program(
      't',
      plainFunction('t', (p) => p.exitValue(7)),
    ).assembled
  const known = ({ insns }: ReturnType<typeof build>) => insns.every(({ line }) => line!.line > 0)
  const bare = withoutLines(build)
  assert.ok(!known(bare))
  assert.ok(known(build()))
  assert.deepEqual(bare.code, build().code)
  const fails = () => assert.fail(`line ${callerLine().line}`)
  assert.throws(() => withoutLines(fails), /line [1-9]/)
  assert.ok(known(build()))
})

test('a path is told from the project on, wherever the project is', () => {
  assert.equal(projectPath('/usr/src/tenbin/src/bpf/line.ts'), 'src/bpf/line.ts')
  assert.equal(projectPath('file:///home/me/test/tenbin/bench/packet.ts'), 'bench/packet.ts')
  assert.equal(projectPath('src/cli/main.ts'), 'src/cli/main.ts')
  assert.equal(projectPath('/opt/tenbin/dist/tenbin.js'), '/opt/tenbin/dist/tenbin.js')
})

const bundled = `
import { layoutOf } from './src/dataplane/fill.ts'
import { fixedKeys, goldenShapes } from './src/dataplane/golden-shapes.ts'
import { packetProgram } from './src/dataplane/packet-path.ts'
const shape = goldenShapes['sixty-five-listeners']
const { assembled } = packetProgram(shape, layoutOf(shape, fixedKeys()).memory)
console.log(JSON.stringify(assembled.insns.map(({ line }) => line)))
`

test('in a bundle with its source map lines and texts are those of the sources', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenbin-line-'))
  try {
    const root = fileURLToPath(new URL('../..', import.meta.url))
    const outfile = join(folder, 'bundle.mjs')
    await build({
      stdin: { contents: bundled, resolveDir: root },
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      sourcemap: true,
      logLevel: 'silent',
    })
    const out = execFileSync(process.execPath, ['--enable-source-maps', outfile], { encoding: 'utf8' })
    const lines = JSON.parse(out) as { file: string; line: number; text: string }[]
    const files = new Set(lines.map(({ file }) => file))
    for (const file of files) assert.match(file, /^src\/dataplane\/[a-z0-9-]+\.ts$/)
    assert.ok(['packet-path', 'path', 'match'].every((name) => files.has(`src/dataplane/${name}.ts`)))
    for (const { file, line, text } of lines)
      assert.equal(text, readFileSync(join(root, file), 'utf8').split('\n')[line - 1]!.trim())
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
