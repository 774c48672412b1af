import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { load } from '../config/load.ts'
import { LAB_RHYTHM, labFile } from './lab-file.ts'
import { labTopology } from './topology.ts'

const folder = mkdtempSync(join(tmpdir(), 'lab-file-'))
after(() => rmSync(folder, { recursive: true }))

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
    check: { http: /, every: 500ms, timeout: 500ms, fall: 2 }
`,
  )
})

test('servers left out break ranges, and one line of the file changes', () => {
  const topology = labTopology('lab', { servers: 12 })
  const all = labFile(topology).split('\n')
  const some = labFile(topology, { without: ['web03', 'web12'] }).split('\n')
  const changed = some.filter((line, index) => line !== all[index])
  assert.deepEqual(changed, ['    servers: [web01..02, web04..11]'])
  assert.equal(some.length, all.length)
})

test('a single server is no range', () => {
  const text = labFile(labTopology('lab', { servers: 1 }))
  assert.match(text, /^ {2}web01: 10\.0\.0\.11$/m)
  assert.match(text, /^ {4}servers: web01$/m)
})

test('with IPv6 there is a second service, of the same servers by other names, and both lose one', () => {
  assert.equal(
    labFile(labTopology('lab', { servers: 20, ipv6: true }), { without: ['web03'] }),
    `nodes: { lb1: 10.0.0.2 }
interfaces: { lan: eth0 }

addresses:
  front: { on: lan, ips: [10.0.0.100/24, "2001:db8::100/64"] }

servers:
  web01..20: 10.0.0.11..30
  six01..20: 2001:db8::11..24

services:
  www:
    listen: [10.0.0.100:80]
    servers: [web01..02, web04..20]
    forward: dsr
    check: { http: /, every: 500ms, timeout: 500ms, fall: 2 }
  www6:
    listen: ["[2001:db8::100]:80"]
    servers: [six01..02, six04..20]
    forward: dsr
    check: { http: /, every: 500ms, timeout: 500ms, fall: 2 }
`,
  )
})

test('tenbin accepts the files of labs', () => {
  for (const ipv6 of [false, true]) {
    for (const servers of [1, 9, 50]) {
      const file = join(folder, 'tenbin.yaml')
      writeFileSync(
        file,
        labFile(labTopology('lab', { servers, ipv6 }), { without: servers > 1 ? ['web01'] : [] }),
      )
      const state = load(file)
      assert.equal(state.services.length, ipv6 ? 2 : 1)
      for (const { check } of state.services) assert.deepEqual(check !== 'none' && check.rhythm, LAB_RHYTHM)
    }
  }
})

test('the file of a pair, from one balancer to two, word for word', () => {
  const topology = labTopology('lab', { pair: true, forward: 'nat' })
  const pair = labFile(topology, { kept: true })
  assert.equal(
    pair,
    `nodes: { lb1: 10.0.0.2, lb2: 10.0.0.3 }
cluster: { also: { lb1: 10.0.1.2, lb2: 10.0.1.3 } }
interfaces: { lan: eth0, back: eth1 }

addresses:
  front:
    ips: { lan: [10.0.0.100/24], back: [10.0.1.1/24] }
    vrid: 51
    prefer: lb1
    advert: 100ms

servers:
  web01..04: 10.0.1.11..14

services:
  www:
    listen: [10.0.0.100:80]
    servers: web01..04
    forward: nat
    check: { http: /, every: 500ms, timeout: 500ms, fall: 2 }
  talk:
    listen: [10.0.0.100:8080]
    servers: web04
    forward: nat
    server_port: 80
    check: { http: /, every: 500ms, timeout: 500ms, fall: 2 }
`,
  )
  const alone = labFile(topology, { kept: true, failover: false }).split('\n')
  assert.deepEqual(alone.slice(0, 7), [
    'nodes: { lb1: 10.0.0.2 }',
    'interfaces: { lan: eth0, back: eth1 }',
    '',
    'addresses:',
    '  front:',
    '    ips: { lan: [10.0.0.100/24], back: [10.0.1.1/24] }',
    '',
  ])
  assert.match(labFile(topology, { forward: 'dsr' }), /^ {4}forward: dsr$/m)
})

test('tenbin accepts the files of pairs, and what their addresses are is one set', () => {
  for (const ipv6 of [false, true])
    for (const forward of ['nat', 'dsr'] as const)
      for (const failover of [false, true]) {
        const file = join(folder, 'pair.yaml')
        writeFileSync(
          file,
          labFile(labTopology('lab', { pair: true, ipv6 }), { forward, failover, kept: true }),
        )
        assert.equal(load(file).services.length, ipv6 ? 3 : 2)
      }
})
