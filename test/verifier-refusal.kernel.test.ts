// A verifier's refusal is told by our line of TypeScript first, in sources and in a bundle. The programs here get past
// the builder by force: a place moved behind what was checked, or bytes changed after assembly.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { JMP } from '../src/bpf/isa.ts'
import type { ProgramSpec } from '../src/bpf/program.ts'
import { bytes, wire } from '../src/bpf/types.ts'
import { be16, eq } from '../src/bpf/values.ts'
import { plainFunction, program } from '../src/bpf/xdp.ts'
import { loadProgram } from '../src/kernel/program.ts'
import { VerifierError } from '../src/kernel/verifier-error.ts'
import { refused } from './verifier-refusal/refused.ts'

const here = 'test/verifier-refusal.kernel.test.ts'
const Eth = wire('eth', { dst: bytes(6), src: bytes(6), type: 'be16' })

function refusal(spec: ProgramSpec): VerifierError {
  try {
    loadProgram(spec).program[Symbol.dispose]()
  } catch (error) {
    assert.ok(error instanceof VerifierError, String(error))
    return error
  }
  return assert.fail('it was accepted')
}

/** The number of the only line of a file that holds a text. */
function lineWith(file: string, text: string): number {
  const lines = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8').split('\n')
  const found = lines.flatMap((line, at) => (line.includes(text) ? [at + 1] : []))
  assert.equal(found.length, 1, text)
  return found[0]!
}

test('a read behind what was checked is told by the line that asked for it', () => {
  const error = refusal(refused())
  const file = 'test/verifier-refusal/refused.ts'
  const line = lineWith(file, 'p.load(behind)')
  assert.match(error.message, /^test\/verifier-refusal\/refused\.ts:\d+: load refused: .*packet/)
  assert.deepEqual([error.source?.file, error.source?.line], [file, line])
  assert.match(error.log, /invalid access to packet/)
})

test('a bounds check turned round is told by the line whose read it protected, in the function that reads', () => {
  const inner = plainFunction('inner', (p) => {
    const { data, end } = p.packet()
    const { eth } = p.headers(data, end, { eth: Eth }, () => p.exitValue(1))
    p.exitIf(eq(p.load(eth.type), be16(0x0800)), () => p.exitValue(2)) // the read
    p.exitValue(3)
  })
  const main = plainFunction('main', (p) => p.exitValue(p.callSub(inner, p.ctx)))
  const { spec, assembled } = program('turned', main, [inner])
  const check = assembled.insns.find(({ insn }) => (insn.code & 0xf0) === JMP.jgt && (insn.code & 7) === 5)!
  const code = spec.code.slice()
  code[check.slot * 8] = (code[check.slot * 8]! & 0x0f) | JMP.jle
  const error = refusal({ ...spec, code })
  const line = lineWith(here, ['//', 'the read'].join(' '))
  assert.ok(error.message.startsWith(`${here}:${line}: load turned: `), error.message)
})

test('in a bundle the line and its text are those of the source', async () => {
  const root = dirname(dirname(fileURLToPath(import.meta.url)))
  const folder = mkdtempSync(join(tmpdir(), 'tenbin-refusal-'))
  try {
    const outfile = join(folder, 'bundle.mjs')
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    await build({
      stdin: {
        contents: `
          import { loadProgram } from './src/kernel/program.ts'
          import { refused } from './test/verifier-refusal/refused.ts'
          try { loadProgram(refused()) } catch (error) { console.log(error.message) }`,
        resolveDir: root,
      },
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      external: ['koffi'],
      sourcemap: true,
      logLevel: 'silent',
    })
    const said = execFileSync(process.execPath, ['--enable-source-maps', outfile], { encoding: 'utf8' })
    const line = lineWith('test/verifier-refusal/refused.ts', 'p.load(behind)')
    assert.ok(said.startsWith(`test/verifier-refusal/refused.ts:${line}: load refused: `), said)
    assert.match(said, /: p\.exitValue\(p\.load\(behind\)\)\)$/m)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
