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

test('with IPv6 there is a second service, of the same servers by other names, and both lose one', () => {
  assert.equal(
    labFile(labTopology('lab', { servers: 20, ipv6: true }), ['web03']),
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
      writeFileSync(file, labFile(labTopology('lab', { servers, ipv6 }), servers > 1 ? ['web01'] : []))
      const state = load(file)
      assert.equal(state.services.length, ipv6 ? 2 : 1)
      for (const { check } of state.services) assert.deepEqual(check !== 'none' && check.rhythm, LAB_RHYTHM)
    }
  }
})
