import assert from 'node:assert/strict'
import { test } from 'node:test'
import { labFile } from './lab-file.ts'
import { labTopology } from './topology.ts'

test('the file of the usual lab, word for word', () => {
  assert.equal(
    labFile(labTopology('lab')),
    `nodes: { lb1: 10.0.0.2 }
interfaces: { lan: eth0 }

addresses:
  front: { on: lan, ips: [10.0.0.100/24] }

servers:
  web01..04: 10.0.0.11..14

services:
  www:
    listen: [10.0.0.100:80]
    servers: web01..04
    forward: dsr
    check: none
`,
  )
})

test('servers left out break ranges, and one line of the file changes', () => {
  const topology = labTopology('lab', { servers: 12 })
  const all = labFile(topology).split('\n')
  const some = labFile(topology, ['web03', 'web12']).split('\n')
  const changed = some.filter((line, index) => line !== all[index])
  assert.deepEqual(changed, ['    servers: [web01..02, web04..11]'])
  assert.equal(some.length, all.length)
})

test('a single server is no range', () => {
  const text = labFile(labTopology('lab', { servers: 1 }))
  assert.match(text, /^ {2}web01: 10\.0\.0\.11$/m)
  assert.match(text, /^ {4}servers: web01$/m)
})
