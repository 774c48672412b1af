import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SLOT_LEARN, SLOT_RECORDS, slotWord } from '../dataplane/shape.ts'
import { foundPools } from './holders.ts'

test('who holds slots of a pool is who takes new flows there, not who has a number or had the slot before', () => {
  const meta = {
    serverCapacity: 8,
    pools: [
      { name: 'www', slots: 3, before: 0 },
      { name: 'dns', slots: 2, before: 0 },
    ],
    services: [
      { name: 'web', pool: 0 },
      { name: '', pool: 0 },
      { name: 'dns', pool: 1 },
      { name: 'tls', pool: 0 },
    ],
    servers: [
      { name: '', address: '' },
      { name: 'web1', address: '10.0.0.11' },
      { name: 'web2', address: '10.0.0.12' },
      { name: '', address: '' },
      { name: 'ns1', address: '10.0.0.21' },
    ],
  }
  const slots = Uint32Array.of(
    slotWord(1, 2, SLOT_RECORDS),
    slotWord(1, 1),
    slotWord(3, 3),
    slotWord(0, 4, SLOT_LEARN),
    slotWord(2, 4),
  )
  // web2 has failed in both, ns1 in the first
  const failed = Uint32Array.of(0b0100_0001_0100)
  const servers = { web1: '10.0.0.11', web2: '10.0.0.12', ns1: '10.0.0.21' }
  const of = (...names: (keyof typeof servers)[]) => new Map(names.map((name) => [name, servers[name]]))
  assert.deepEqual(foundPools(meta, slots, failed), [
    { name: 'www', services: ['web', 'tls'], holders: of('web1'), unfailed: of('web1') },
    { name: 'dns', services: ['dns'], holders: of('web2'), unfailed: of('web1', 'ns1') },
  ])
  assert.equal(foundPools(meta, slots, undefined)[0]!.unfailed.size, 0, 'nobody can say')
})
