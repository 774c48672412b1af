// Every construct of the builder, loaded and run in this kernel, in a network namespace of its own.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { NetworkNamespace } from '../src/sys/namespace.ts'
import { fibFinds } from './constructs/calls.ts'
import { Kernel } from './constructs/construct.ts'
import { constructs } from './constructs/constructs.ts'

let previous: NetworkNamespace
let namespace: NetworkNamespace
before(() => {
  previous = NetworkNamespace.current()
  namespace = NetworkNamespace.create()
  namespace.enter()
})
after(() => {
  previous.enter()
  namespace[Symbol.dispose]()
  previous[Symbol.dispose]()
})

for (const { name, run } of constructs) {
  test(name, () => {
    using kernel = new Kernel()
    run(kernel)
  })
}

test('fibLookup finds interface and MAC of the next hop', () => {
  for (const line of [
    'link set lo up',
    'link add eth0 type veth peer name peer0',
    'addr add 203.0.113.1/24 dev eth0',
    'link set eth0 up',
    'link set peer0 up',
    'neigh add 203.0.113.2 lladdr 02:00:00:00:00:99 dev eth0 nud permanent',
    'route add 198.51.100.0/24 via 203.0.113.2',
  ])
    execFileSync('ip', line.split(' '))
  for (const name of ['all', 'lo']) writeFileSync(`/proc/sys/net/ipv4/conf/${name}/forwarding`, '1')
  using kernel = new Kernel()
  const { ifindex, mac } = fibFinds(kernel)
  const [link] = JSON.parse(execFileSync('ip', ['-j', 'link', 'show', 'eth0'], { encoding: 'utf8' }))
  assert.deepEqual([Number(ifindex), mac], [link.ifindex, [2, 0, 0, 0, 0, 0x99]])
})
