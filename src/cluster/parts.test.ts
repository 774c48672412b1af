import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Parts } from './parts.ts'
import { DOCUMENT_MAX } from './peers.ts'

test('a part is said until it is another one, or taken back', () => {
  const parts = new Parts()
  assert.equal(parts.set('roles', { front: 'active' }), true)
  assert.equal(parts.set('roles', { front: 'active' }), false)
  assert.equal(parts.set('roles', { front: 'backup' }), true)
  assert.deepEqual(parts.all(), { roles: { front: 'backup' } })
  assert.equal(parts.set('roles', undefined), true)
  assert.equal(parts.set('roles', undefined), false)
  assert.deepEqual(parts.all(), {})
})

test('a part that does not fit is not said, takes back what it said, and fits again when there is room', () => {
  const parts = new Parts()
  const half = 'x'.repeat(DOCUMENT_MAX / 2 - 2)
  parts.set('health', half)
  assert.equal(parts.set('roles', 'small'), true)
  assert.equal(parts.set('roles', half), true, 'others are to forget what it said')
  assert.deepEqual(Object.keys(parts.all()), ['health', 'roles'])
  const more = `${half}x`
  assert.equal(parts.set('roles', more), true)
  assert.equal(parts.set('roles', more), false)
  assert.deepEqual(Object.keys(parts.all()), ['health'])
  assert.deepEqual([...parts.tooLarge], [['roles', more.length + 2]])
  parts.set('health', undefined)
  assert.equal(parts.set('roles', more), true)
  assert.deepEqual([parts.all(), parts.tooLarge.size], [{ roles: more }, 0])
})
