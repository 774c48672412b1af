import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatIp } from '../base/addresses.ts'
import { load } from './load.ts'
import { textReader } from './reader.ts'
import { refusals, textOf } from './refusals.fixture.ts'

const nodes = 'nodes: { lb1: 192.168.8.2, lb2: 192.168.8.3 }'
const clusterOf = (extra: string) => load('t', textReader({ t: textOf({ extra }) })).cluster

test('nodes meet at port 7943 of their addresses, or where the file says', () => {
  assert.deepEqual(clusterOf(''), { port: 7943 })
  assert.deepEqual(clusterOf(`${nodes}\ncluster: { port: 1234 }`), { port: 1234 })
  const { also } = clusterOf(`${nodes}\ncluster: { also: { lb2: "2001:db8::3", lb1: 10.0.0.2 } }`)
  assert.deepEqual(
    Object.entries(also!).map(([name, ip]) => [name, formatIp(ip)]),
    [
      ['lb1', '10.0.0.2'],
      ['lb2', '2001:db8::3'],
    ],
  )
})

test('where nodes could not meet is refused, with what to write', () => {
  const cases: readonly (readonly [string, ...string[]])[] = [
    ['cluster: { port: 0 }', '6:18: expected a whole number from 1 to 65535, found 0'],
    ['cluster: 7943', '6:10: expected a cluster such as { port: 7943 }, found 7943'],
    ['cluster: { prt: 1 }', '6:12: unknown key "prt": did you mean "port"?'],
    ['cluster: { also: { lb1: 10.0.0.2 } }', '6:12: also names no address of lb2: add lb2: 10.0.0.2'],
    [
      'cluster: { also: { lb1: 10.0.0.2, lb2: 10.0.0.2, lb3: 10.0.0.4 } }',
      "6:40: 10.0.0.2 is lb1's address already",
      '6:50: "lb3" is no node: did you mean "lb1"?',
    ],
    [
      'cluster: { also: { lb1: 192.168.8.3, lb2: 192.168.8.100 } }',
      "6:25: 192.168.8.3 is node lb2's address already, at t:5:33",
      "6:43: 192.168.8.100 is address set front's address already, at t:2:38",
    ],
    [
      'cluster: { also: { lb1: 127.0.0.1, lb2: x } }',
      '6:25: 127.0.0.1 is a loopback address: no machine can have it here',
      '6:41: "x" is not an address such as 192.168.8.2 or 2001:db8::2',
    ],
    [
      'metrics: { listen: "0.0.0.0:7943" }',
      '6:20: nodes meet at port 7943 (cluster.port): write another port',
    ],
    [
      'metrics: { listen: "192.168.8.3:99" }\ncluster: { port: 99 }',
      '6:20: nodes meet at port 99 (cluster.port): write another port',
    ],
    ['metrics: { listen: "127.0.0.1:7943" }'],
  ]
  for (const [text, ...expected] of cases)
    assert.deepEqual(refusals({ extra: `${nodes}\n${text}` }), expected, text)
  assert.deepEqual(refusals({ extra: 'cluster: { also: { lb1: 10.0.0.2 } }' }), [
    '5:18: there is nobody to meet: add the other node to nodes',
  ])
})
