import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { readKeyFile } from '../cluster/key-file.ts'
import { parseWord } from '../cluster/word.ts'
import type { ClusterAnswer } from '../daemon/api-cluster.ts'
import { capture } from './captured.ts'
import { clusterLines } from './cluster-status.ts'
import { paintFor } from './context.ts'

const FILE = `
nodes: { lb1: 192.0.2.2, lb2: 192.0.2.3, lb3: 192.0.2.4 }
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [192.0.2.100/24] } }
servers: { web1: 192.0.2.11 }
services: { www: { listen: [192.0.2.100:80], servers: web1 } }
`

let dir = ''
let file = ''
before(() => {
  dir = mkdtempSync(join(tmpdir(), 'cluster-'))
  file = join(dir, 'tenbin.yaml')
  writeFileSync(file, FILE)
})
after(() => rmSync(dir, { recursive: true }))

const stateOf = (name: string) => ['--state-dir', join(dir, name)]
const keyFile = (name: string) => join(dir, name, 'tenbin.cluster.json')

test('init makes keys and a word for each other node, once', async () => {
  const line = ['cluster', 'init', '-c', file, '--node', 'lb1', ...stateOf('a')]
  const { code, out } = await capture(line)
  assert.equal(code, 0)
  const words = [...out.matchAll(/^ {2}(tenbin1\.\S+)$/gm)].map(([, word]) => parseWord(word!))
  assert.deepEqual(
    words.map(({ node }) => node),
    ['lb2', 'lb3'],
  )
  assert.equal(readKeyFile(keyFile('a'))?.node, 'lb1')
  const again = await capture(line)
  assert.deepEqual([again.code, /is in a cluster already|its keys are in/.test(again.err)], [1, true])
  const json = await capture([...line, '--json'])
  assert.equal(JSON.parse(json.out).error.code, 'CLUSTER_EXISTS')
})

test('a node that is not in the file, or alone in it, founds nothing', async () => {
  const alone = join(dir, 'alone.yaml')
  writeFileSync(alone, FILE.replace(/^nodes: .*$/m, 'nodes: { lb1: 192.0.2.2 }'))
  for (const [config, node] of [
    [file, 'lb9'],
    [alone, 'lb1'],
  ] as const) {
    const line = ['cluster', 'init', '-c', config, '--node', node, ...stateOf('b'), '--json']
    const { code, out } = await capture(line)
    assert.deepEqual([code, JSON.parse(out).error.code], [1, 'CLUSTER_ALONE'])
  }
  assert.ok(!existsSync(keyFile('b')))
})

test('leave without a daemon removes the keys, and whom this machine has invited; once', async () => {
  const places = [...stateOf('gone'), '--run-dir', join(dir, 'gone')]
  await capture(['cluster', 'init', '-c', file, '--node', 'lb1', ...stateOf('gone')])
  assert.ok(existsSync(keyFile('gone')))
  const { code, out, err } = await capture(['cluster', 'leave', ...places])
  assert.equal(code, 0, err)
  assert.match(out, /^This machine has no keys any more\. .* `tenbin cluster rotate`\.\n$/)
  assert.deepEqual(readdirSync(join(dir, 'gone')), [])
  const again = await capture(['cluster', 'leave', ...places, '--json'])
  assert.deepEqual([again.code, JSON.parse(again.out).error.code], [1, 'CLUSTER_NONE'])
})

test('invite gives another word, for another node of the file, and says what it cannot', async () => {
  const line = (node: string, ...more: string[]) => ['cluster', 'invite', node, '-c', file, ...more]
  const { code, out } = await capture(line('lb2', ...stateOf('a'), '--for', '5m', '--json'))
  assert.equal(code, 0)
  const { word, until } = JSON.parse(out)
  assert.equal(parseWord(word).node, 'lb2')
  assert.ok(Math.abs(new Date(until).getTime() - Date.now() - 300_000) < 60_000)
  for (const [args, wanted] of [
    [line('lb1', ...stateOf('a')), 'PEER_UNKNOWN'],
    [line('lb9', ...stateOf('a')), 'PEER_UNKNOWN'],
    [line('lb2', ...stateOf('none')), 'CLUSTER_NONE'],
  ] as const) {
    const refused = await capture([...args, '--json'])
    assert.deepEqual([refused.code, JSON.parse(refused.out).error.code], [1, wanted])
  }
  for (const text of ['5', '0s', '25h']) {
    const refused = await capture(line('lb2', ...stateOf('a'), '--for', text))
    assert.deepEqual([refused.code, /--for:/.test(refused.err)], [2, true], text)
  }
})

test('join says what is wrong with a word, and that this is another machine; then nothing is kept', async () => {
  const word = join(dir, 'word')
  const line = ['cluster', 'join', word, ...stateOf('c'), '--json']
  writeFileSync(word, 'tenbin1.abc\n')
  const invalid = await capture(line)
  assert.deepEqual([invalid.code, JSON.parse(invalid.out).error.code], [1, 'CLUSTER_WORD_INVALID'])
  const { out } = await capture(['cluster', 'invite', 'lb2', '-c', file, ...stateOf('a'), '--json'])
  writeFileSync(word, JSON.parse(out).word)
  const other = await capture(line)
  assert.equal(JSON.parse(other.out).error.code, 'PEER_UNREACHABLE')
  assert.match(JSON.parse(other.out).error.message, /this machine does not have 192\.0\.2\.3/)
  assert.ok(!existsSync(keyFile('c')))
  const member = await capture(['cluster', 'join', word, ...stateOf('a'), '--json'])
  assert.equal(JSON.parse(member.out).error.code, 'CLUSTER_EXISTS')
})

const answer: ClusterAnswer = {
  node: 'lb1',
  keys: true,
  at: ['192.0.2.2:7943'],
  rotates: false,
  refused: { strangers: 12_345, excess: 0 },
  nodes: [
    {
      name: 'lb2',
      state: 'connected',
      since: '2024-01-02T03:00:00Z',
      version: '0.1.0',
      clockAheadMs: 12,
      reachesUs: true,
    },
    {
      name: 'lb3',
      state: 'unreachable',
      since: '2024-01-02T03:03:55Z',
      why: 'no answer from 192.0.2.4:7943: lb3 is down, or a filter is between',
      reachesUs: false,
    },
  ],
  problems: [{ code: 'PEER_UNREACHABLE', message: 'node lb3 is not connected', remedy: 'see' }],
}
const lines = (change: Partial<ClusterAnswer> = {}) =>
  clusterLines({ ...answer, ...change }, new Date('2024-01-02T03:04:05Z'), { paint: paintFor(true) })
    .map((line) => stripVTControlCharacters(line))
    .join('\n')

test('status shows each other node, for how long, and why not', () => {
  assert.equal(
    lines(),
    `Node lb1 meets the others at 192.0.2.2:7943.

node  state        since  version  clock  
lb2   connected    4m5s   0.1.0    0.0 s
lb3   unreachable  10s    -            -  no answer from 192.0.2.4:7943: lb3 is down, or a filter is between

Connections refused: 12,345 of strangers, 0 too many of nodes.`.replace('clock  \n', 'clock\n'),
  )
  assert.match(lines({ rotates: true }), /Keys are being exchanged\./)
  assert.match(lines({ without: ['lb3'] }), /lb3 has to join anew: .*`tenbin cluster invite lb3` here\./)
  const { node: _, ...none } = answer
  const nowhere = clusterLines({ ...none, keys: false, problems: [] }, new Date(), { paint: paintFor(false) })
  assert.match(
    nowhere.join('\n'),
    /^This node is in no cluster: it has no keys: `tenbin cluster init`, or `join`\.$/,
  )
})
