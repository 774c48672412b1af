// Two machines become a cluster by the commands, meet, and tell what is between them.
//
//   front --+-- lb1: 10.0.0.2 --+-- back
//           '-- lb2: 10.0.0.3 --'      (10.0.1.2 and 10.0.1.3)
//
// A filter on lb2 drops what comes in for the cluster's port, so that only lb2 reaches lb1; then it is taken away. With
// TENBIN_CUTS=1 also: the front network is cut, both are, and lb2 is stopped (SIGSTOP).

import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { z } from 'zod'
import { clusterSchema } from '../../src/daemon/api-cluster.ts'
import { eventsSchema } from '../../src/daemon/api-events.ts'
import { clusterPlaces } from '../../src/lab/cluster-keys.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { labFile } from '../../src/lab/lab-file.ts'
import { cutNode, freezeNode, healNode } from '../../src/lab/trouble.ts'
import { skip } from './support/execute.ts'
import { Tenbin, tenbin } from './support/tenbin.ts'

/** PATIENCE_MS: generous, since much else may run on the machine. */
const PATIENCE_MS = 30_000

type Answer = z.output<typeof clusterSchema>

let lab: Lab
let nodes: Tenbin[] = []
before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'tc', pair: true, servers: 1 })
  nodes = ['lb1', 'lb2'].map((node) => new Tenbin(lab, node))
  for (const node of ['lb1', 'lb2']) rmSync(clusterPlaces(lab.name, node).clusterKeys)
  for (const node of nodes) node.write(labFile(lab.topology))
  await Promise.all(nodes.map((node) => node.start(() => true)))
})
after(() => lab?.[Symbol.asyncDispose]())

const ask = (node: number): Promise<Answer> => nodes[node]!.ask({ path: '/v1/cluster', reply: clusterSchema })

async function until(node: number, holds: (answer: Answer) => boolean): Promise<Answer> {
  for (const end = Date.now() + PATIENCE_MS; ; await delay(50)) {
    const answer = await ask(node)
    if (holds(answer)) return answer
    assert.ok(Date.now() < end, JSON.stringify(answer))
  }
}

const becomes = (node: number, state: string) => until(node, ({ nodes: [peer] }) => peer?.state === state)

/** say runs a command of a node's cluster with `input`; `places`: which of its places the command takes. */
async function say(
  node: number,
  words: readonly string[],
  input = '',
): Promise<{ code: number; out: string; err: string }> {
  const { instance, file } = nodes[node]!
  const places = words[1] === 'join' ? [] : ['-c', file]
  const all = ['--instance', instance, '--state-dir', lab.directory, ...places]
  const child = lab.spawn(`lb${node + 1}`, tenbin([...words, ...all]), { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin!.end(input)
  const ended = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1)))
  const [code, out, err] = await Promise.all([ended, text(child.stdout!), text(child.stderr!)])
  return { code, out, err }
}

test('machines without keys are in no cluster, and say how to make one', { skip }, async () => {
  const { code, out } = await nodes[0]!.cli('cluster', 'status')
  assert.equal(code, 1)
  assert.match(out, /^This node is in no cluster: it has no keys: `tenbin cluster init`, or `join`\.\n$/)
})

test('one begins, the other joins by its word, and daemons that run meet; a filter is named by who suffers it', {
  skip,
}, async () => {
  await lab.run('lb2', ['ip', 'rule', 'add', 'pref', '10', 'table', 'local'])
  for (const nic of ['eth0', 'eth1'])
    await lab.run('lb2', [
      'ip',
      'rule',
      'add',
      'pref',
      '1',
      'iif',
      nic,
      'ipproto',
      'tcp',
      'dport',
      '7943',
      'blackhole',
    ])
  await lab.run('lb2', ['ip', 'rule', 'del', 'pref', '0'])
  const init = await say(0, ['cluster', 'init', '--json'])
  assert.equal(init.code, 0, init.err + init.out)
  const [{ node, word }] = JSON.parse(init.out).invited
  assert.equal(node, 'lb2')
  await until(0, (answer) => answer.node === 'lb1')
  const join = await say(1, ['cluster', 'join'], `${word}\n`)
  assert.equal(join.code, 0, join.err)
  assert.match(join.out, /^This machine is node lb2; its keys are in .*\.cluster\.json\.\n$/)
  await becomes(1, 'connected')
  const {
    nodes: [lb2],
  } = await until(0, ({ nodes: [peer] }) => /reaches this node/.test(peer?.why ?? ''))
  assert.match(lb2!.why!, /^no answer from 10\.0\.[01]\.3:7943: .* look for a filter that works one way$/)
  assert.ok(lb2!.reachesUs)

  await lab.run('lb2', ['ip', 'rule', 'add', 'pref', '0', 'table', 'local'])
  await becomes(0, 'connected')
  const status = await nodes[0]!.cli('cluster', 'status')
  assert.equal(status.code, 0)
  assert.match(status.out, /^Node lb1 meets the others at 10\.0\.0\.2:7943 and 10\.0\.1\.2:7943\.\n/)
  assert.match(status.out, /\nlb2 {3}connected /)
  const again = await say(1, ['cluster', 'join'], `${word}\n`)
  assert.deepEqual([again.code, /its keys are in/.test(again.err)], [1, true])
})

test('keys are rotated by one command on any node', { skip }, async () => {
  const { code, out } = await nodes[1]!.cli('cluster', 'rotate')
  assert.equal(code, 0, out)
  assert.match(out, /^All nodes have the new key; the old one is good for nothing\.\n$/)
  for (const node of [0, 1]) await becomes(node, 'connected')
})

test('an active node may not leave; another one leaves, and is taken in again by another word', {
  skip,
}, async () => {
  const leave = (node: number) => nodes[node]!.cli('cluster', 'leave', '--state-dir', lab.directory)
  const isActive = async () => (await nodes[0]!.status())?.sets[0]?.role === 'active'
  for (const end = Date.now() + PATIENCE_MS; !(await isActive()); await delay(50))
    assert.ok(Date.now() < end, 'lb1 is active')
  const refused = await leave(0)
  assert.deepEqual([refused.code, /`tenbin maintenance on`/.test(refused.err)], [1, true], refused.err)
  const left = await leave(1)
  assert.equal(left.code, 0, left.err)
  assert.deepEqual([(await ask(1)).keys, (await ask(1)).node], [false, undefined])
  await becomes(0, 'unreachable')
  const { word } = JSON.parse((await say(0, ['cluster', 'invite', 'lb2', '--json'])).out)
  assert.equal((await say(1, ['cluster', 'join'], `${word}\n`)).code, 0)
  for (const node of [0, 1]) await becomes(node, 'connected')
})

test('a network that is cut is gone round, a node that is cut off or hangs is lost, and both come back', {
  skip: skip || (!process.env.TENBIN_CUTS && 'takes half a minute: TENBIN_CUTS=1'),
}, async () => {
  const { seq } = (await news(0)).at(-1)!
  await cutNode(lab, 'lb2', 'front')
  await delay(8_000)
  assert.equal((await ask(0)).nodes[0]!.state, 'connected')
  assert.deepEqual(
    (await news(0)).filter((event) => event.seq > seq),
    [],
    'nobody noticed',
  )
  await cutNode(lab, 'lb2')
  const { problems } = await becomes(0, 'unreachable')
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['PEER_UNREACHABLE'],
  )
  await healNode(lab, 'lb2')
  await becomes(0, 'connected')
  await freezeNode(lab, 'lb2')
  const {
    nodes: [hung],
  } = await becomes(0, 'unreachable')
  assert.match(hung!.why!, /takes connections and says nothing: lb2 hangs|no answer within 2500 ms/)
  await healNode(lab, 'lb2')
  await becomes(0, 'connected')
  const texts = (await news(0))
    .filter((event) => event.seq > seq)
    .map((event) => event.text.replace(/:.*/, ''))
  assert.deepEqual(texts, [
    'node lb2 is not connected',
    'node lb2 is connected again',
    'node lb2 is not connected',
    'node lb2 is connected again',
  ])
})

const news = async (node: number) =>
  (await nodes[node]!.ask({ path: '/v1/events', query: {}, reply: eventsSchema })).events.filter(
    ({ kind }) => kind === 'node.peer',
  )
