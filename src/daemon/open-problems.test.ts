import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quietLog } from '../events/quiet-log.ts'
import { OpenProblems } from './open-problems.ts'
import { problem } from './problem.ts'

test('a target that cannot be told is told of once, whatever words its server finds; another one by itself', () => {
  const log = quietLog()
  const problems = new OpenProblems(log)
  const fails = (name: string, why: string) => problem('NOTIFY_FAILS', `${name} is not told: ${why}`)
  for (let seconds = 300; seconds > 0; seconds -= 100)
    problems.set([fails('ops', `recipients: 451 try again in ${seconds} seconds`)])
  problems.set([fails('ops', 'connecting: ECONNREFUSED'), fails('chat', 'the answer: 500')])
  problems.set([fails('chat', 'the answer: 503')])
  assert.deepEqual(
    log.latest().map(({ kind, text }) => `${kind} ${/\w+ is not told/.exec(text)![0]}`),
    ['node.problem ops is not told', 'node.problem chat is not told', 'node.solved ops is not told'],
  )
})

test('a node that is lost is told by its own event alone, and clocks that drift are told once', () => {
  const log = quietLog()
  const problems = new OpenProblems(log)
  for (const by of ['2.0', '2.3', '9.9']) {
    const clocks = problem('CLOCKS_DIFFER', `the clock of node lb2 is ${by} s ahead of this one`)
    problems.set([clocks, problem('PEER_UNREACHABLE', 'node lb3 is not connected: no answer')])
  }
  problems.set([])
  assert.deepEqual(
    log.latest().map(({ kind, data }) => [kind, data.code]),
    [
      ['node.problem', 'CLOCKS_DIFFER'],
      ['node.solved', 'CLOCKS_DIFFER'],
    ],
  )
})
