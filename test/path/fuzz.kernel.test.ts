import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventNames, outcomeNames } from '../../src/dataplane/outcomes.ts'
import { fuzz } from './fuzz.ts'

test('program and model agree on random and mutated packets, and all ways out and events are met', () => {
  const { packets, outcomes } = fuzz(20_000, 20_161_107)
  assert.equal(packets, 20_000)
  for (const name of [...outcomeNames, ...eventNames]) assert.ok(outcomes[name]! > 0, `${name} was never met`)
})

// util-linux: without any capability, root is nobody special to the kernel.
const WITHOUT_CAPABILITIES = ['setpriv', '--bounding-set=-all', '--inh-caps=-all']

function command(through: readonly string[], ...args: readonly string[]) {
  const file = fileURLToPath(new URL('fuzz.ts', import.meta.url))
  const [first, ...more] = [...through, process.execPath, '--import', 'tsx', file, ...args]
  return spawnSync(first!, more, { encoding: 'utf8' })
}

test('as a command, it tells the numbers compared, what it cannot read, and that it lacks rights', () => {
  const done = command([], '60', '7')
  assert.equal(done.status, 0, done.stderr)
  assert.match(done.stdout, /^seed 7\n[\s\S]*\n\{"packets":60,"differences":0,/)
  for (const args of [['many'], ['0'], ['60', 'x']]) assert.equal(command([], ...args).status, 2)
  const refused = command(WITHOUT_CAPABILITIES, '60')
  assert.equal(refused.status, 1)
  assert.match(refused.stderr, /^fuzz: create namespace: EPERM: .*\n {2}remedy: .+\n$/)
})
