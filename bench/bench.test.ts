import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const runner = fileURLToPath(new URL('bench.ts', import.meta.url))
const bench = (...args: readonly string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', runner, ...args], { encoding: 'utf8' })

test('--list names the benches, one a line, and not the runner', () => {
  const { status, stdout } = bench('--list')
  assert.equal(status, 0)
  const names = stdout.trim().split('\n')
  assert.ok(names.includes('table'))
  assert.ok(!names.includes('bench'))
})

test('a bench that does not exist, no bench, and an unknown option are usage errors', () => {
  assert.match(bench('nothing').stderr, /there is no bench nothing; there are: .*table/)
  for (const args of [['nothing'], [], ['table', '--fast'], ['compare', 'a']])
    assert.equal(bench(...args).status, 2)
})

test('--json prints exactly one object, with machine and rows', () => {
  const { status, stdout, stderr } = bench('table', '--quick', '--json')
  assert.equal(status, 0, stderr)
  const run = JSON.parse(stdout)
  assert.equal(run.bench, 'table')
  assert.ok(run.machine.cpu && run.machine.kernel && run.machine.node)
  assert.ok(run.rows.some(({ name }: { name: string }) => name === 'table.build'))
})

test('a saved run that does not exist is a usage error', () => {
  const { status, stderr } = bench('compare', 'no-such-run', 'nor-this')
  assert.equal(status, 2)
  assert.match(stderr, /^there is no saved run no-such-run/)
})

test('a bench that lacks rights says so', {
  skip: process.geteuid?.() !== 0 && 'giving up needs root',
}, () => {
  // util-linux: without any capability, root is nobody special to the kernel.
  const words = ['--bounding-set=-all', '--inh-caps=-all', process.execPath, '--import', 'tsx', runner]
  const { status, stderr } = spawnSync('setpriv', [...words, 'packet', '--quick'], { encoding: 'utf8' })
  assert.equal(status, 1)
  assert.match(stderr, /^bench: load BTF: EPERM: .*\n {2}remedy: .+\n$/)
})
