import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeCluster } from '../cluster/fake-peers.ts'
import { type Down, PeerHealth, type Standing } from './peer-health.ts'

/** pairOf nodes that look at web1 and web2 of pool www; `down`: whom each finds down. */
function pairOf() {
  const cluster = fakeCluster(['lb1', 'lb2'])
  let now = 0
  const down: Record<string, Down[]> = { lb1: [], lb2: [] }
  const unknown = new Set<string>()
  const of = (node: string) =>
    new PeerHealth({
      peers: cluster.node(node),
      down: () => down[node]!,
      standingOf: (pool, server): Standing | undefined => {
        if (pool !== 'www') return undefined
        if (unknown.has(node)) return 'unknown'
        return down[node]!.some((each) => each.server === server) ? 'down' : 'up'
      },
      monotonic: () => now,
    })
  const both = { lb1: of('lb1'), lb2: of('lb2') }
  const look = () => {
    const first = [both.lb1.problems(), both.lb2.problems()]
    return first.map((problems) => problems.map(({ code, message }) => `${code}: ${message}`))
  }
  const pass = (ms: number) => {
    now += ms
  }
  return { cluster, down, unknown, look, pass }
}
const web1: Down = { pool: 'www', server: 'web1', why: 'connect: refused' }

test('a server that one node alone finds down is a problem on both, once it has lasted', () => {
  const { down, look, pass } = pairOf()
  down.lb2!.push(web1)
  look()
  assert.deepEqual(look(), [[], []])
  pass(16_000)
  assert.deepEqual(look(), [
    ['HEALTH_DIFFERS: web1 in www is down on lb2 (connect: refused), and not here'],
    ['HEALTH_DIFFERS: web1 in www is down here (connect: refused), and not on lb1'],
  ])
  down.lb1!.push(web1)
  look()
  assert.deepEqual(look(), [[], []])
  down.lb1!.length = 0
  look()
  assert.deepEqual(look(), [[], []], 'it has to last anew')
})

test('what is not looked at yet, not checked, or said by a node that is away is no disagreement', () => {
  const { cluster, down, unknown, look, pass } = pairOf()
  unknown.add('lb1')
  down.lb2!.push(web1, { pool: 'other', server: 'web1' })
  look()
  look()
  pass(16_000)
  assert.deepEqual(look(), [[], []])
  unknown.clear()
  look()
  look()
  pass(14_000)
  assert.deepEqual(look(), [[], []], 'what it finds then has to last')
  pass(2_000)
  assert.deepEqual(
    look().map((each) => each.length),
    [1, 1],
  )
  cluster.cut('lb1', 'lb2')
  look()
  pass(16_000)
  assert.deepEqual(look(), [[], []])
})

test('of many servers a few are named, and the part that is told stays small', () => {
  const { cluster, down, look, pass } = pairOf()
  for (let at = 0; at < 300; at++) down.lb2!.push({ pool: 'www', server: `web${at}`, why: 'x'.repeat(500) })
  look()
  look()
  pass(16_000)
  const [here, there] = look()
  assert.match(here![0]!, /; 97 more$/)
  assert.match(there![0]!, /; 97 more$/)
  const { parts } = cluster.node('lb1').nodes()[0]!
  assert.ok(JSON.stringify(parts.health).length < 16_384)
})
