import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { escapeName, unescapeName } from './pin.ts'

test('names of interfaces and maps stay readable', () => {
  for (const [name, escaped] of [
    ['eth0', 'eth0'],
    ['tb_slots-2', 'tb_slots-2'],
    ['eth0.100', 'eth0%2e100'],
    ['100%', '100%25'],
    ['a/b', 'a%2fb'],
    ['天', '%e5%a4%a9'],
    ['.', '%2e'],
  ] as const) {
    assert.equal(escapeName(name), escaped)
    assert.equal(unescapeName(escaped), name)
  }
})

test('any name comes back as it was, in characters that bpffs takes', () => {
  const names = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(names, (name) => {
      const escaped = escapeName(name)
      assert.match(escaped, /^[A-Za-z0-9_%-]+$/)
      assert.equal(unescapeName(escaped), name)
    }),
  )
})

test('no two file names are one name', () => {
  const escapes = fc.array(
    fc.constantFrom('a', '%', '2', 'e', 'E', '%61', '%2e', '%2E', '%c3', '%a9', '%c3%a9', '_'),
  )
  fc.assert(
    fc.property(escapes, (parts) => {
      const name = unescapeName(parts.join(''))
      if (name !== undefined) assert.equal(escapeName(name), parts.join(''))
    }),
    { numRuns: 2000 },
  )
  for (const file of ['', '%61', '%2E', '%2', '%', 'a.b', '%new-a', '%c3', '%ff', 'a/b'])
    assert.equal(unescapeName(file), undefined, file)
})

test('what cannot be a name is a bug of the caller', () => {
  for (const name of ['', '\ud800', 'x'.repeat(251), '.'.repeat(84)])
    assert.throws(() => escapeName(name), /invariant broken/)
  assert.equal(escapeName('x'.repeat(250)).length, 250)
})
