import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatIp } from '../base/addresses.ts'
import { load } from '../config/load.ts'
import { textReader } from '../config/reader.ts'
import { movingFile } from '../config/refusals.fixture.ts'
import { unacceptedOf } from './unaccepted.ts'

test('a set with accept: false accepts on no node but its owner, and every other set on all', () => {
  const desired = load('t', textReader({ t: movingFile }))
  const of = (node: string) => unacceptedOf(desired, node).map(formatIp)
  assert.deepEqual(of('lb1'), [])
  assert.deepEqual(of('lb2'), ['192.168.8.100', '2001:db8::100', '10.0.0.1'])
})
