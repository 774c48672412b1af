import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { proxyRows } from './proxy/rows.ts'
import type { Turn } from './proxy/turn.ts'

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

test('proxy has the rows of all who balance, as shares of the same round without any, and says what is wrong', () => {
  const turn = (connectionsPerSecond: number, cpuSeconds: number, latencyMs: number): Turn => ({
    ...{ connectionsPerSecond, cpuSeconds, latencyMs },
    checks: { connections: 10, web01: 5, web02: 5, errors: 0, resent: 0 },
  })
  const round = (factor: number) =>
    new Map([
      ['direct', turn(1000 * factor, 0.001, 1)],
      ['tenbin-dsr', turn(900 * factor, 0.00125, 1.5)],
      ['tenbin-nat', turn(850 * factor, 0.00125, 1.5)],
      ['hop', turn(950 * factor, 0.002, 1)],
      ['hop-both', turn(900 * factor, 0.002, 1)],
      ['haproxy', { ...turn(500 * factor, 0.002, 2), problem: '3 errors' }],
      ['nginx', turn(400 * factor, 0.002, 2)],
    ])
  const rows = proxyRows([round(1), round(0.5), round(2)])
  const whoRows = ['tenbin-dsr', 'tenbin-nat', 'hop', 'hop-both', 'haproxy', 'nginx'].flatMap((who) =>
    ['cps.share', 'latency.p99.added', 'cpu'].map((name) => `proxy.${who}.${name}`),
  )
  const ownRows = ['cps', 'latency.p99', 'cpu'].map((name) => `proxy.direct.${name}`)
  assert.deepEqual(
    rows.map(({ name }) => name),
    [...whoRows, ...ownRows],
  )
  const figure = (name: string) => Number(rows.find((row) => row.name === name)!.value.toPrecision(6))
  assert.equal(figure('proxy.tenbin-dsr.cps.share'), 0.9)
  assert.equal(figure('proxy.tenbin-dsr.latency.p99.added'), 0.5)
  assert.equal(figure('proxy.tenbin-dsr.cpu'), 0.25)
  assert.equal(figure('proxy.direct.cpu'), 1)
  assert.deepEqual(rows[0]!.checks, { connections: 30, web01: 15, web02: 15, errors: 0, resent: 0 })
  assert.deepEqual(
    [...new Set(rows.filter(({ failed }) => failed).map(({ name }) => name.split('.')[1]))],
    ['haproxy'],
  )
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
