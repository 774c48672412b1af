import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noPeers } from '../cluster/no-peers.ts'
import { othersOf } from './peer-others.ts'

test('a node that cannot read its keys applies nothing alone, unless it is told to do without the others', () => {
  const astray = { ...noPeers, astray: 'cluster.key: it ends too early' }
  assert.throws(() => othersOf(astray, ['lb2', 'lb3'], ['lb3']), {
    code: 'NODES_MISSING',
    detail: 'lb2 cannot be asked: cluster.key: it ends too early',
  })
  assert.deepEqual(othersOf(astray, ['lb2'], ['lb2']), [])
  assert.deepEqual(othersOf(astray, [], []), [])
  assert.deepEqual(othersOf(noPeers, ['lb2'], []), [], 'it is in no cluster')
})
