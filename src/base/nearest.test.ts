import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { didYouMean, nearest } from './nearest.ts'

const keys = ['nodes', 'interfaces', 'addresses', 'servers', 'pools', 'services', 'forward', 'on', 'ips']

test('a mistyped word finds the one that was meant', () => {
  for (const [typed, meant] of [
    ['server', 'servers'],
    ['sevrers', 'servers'],
    ['forwrad', 'forward'],
    ['Services', 'services'],
    ['adresses', 'addresses'],
    ['interface', 'interfaces'],
    ['no', 'on'],
    ['ip', 'ips'],
  ] as const) {
    assert.equal(nearest(typed, keys), meant, typed)
  }
})

test('a word like none of them gets no suggestion', () => {
  for (const typed of ['persistence', 'x', '', 'virtual_server', 'zz'])
    assert.equal(nearest(typed, keys), undefined)
  assert.equal(nearest('servers', []), undefined)
  assert.equal(didYouMean('persistence', keys), '')
})

test('of several close words the closest wins, and the first of equals', () => {
  assert.equal(nearest('abcdef', ['abcdxx', 'abcdeg', 'abcdeh']), 'abcdeg')
  assert.equal(nearest('abcdef', ['abcdxx', 'abcxxf']), 'abcdxx')
})

test('the suggestion is a question behind the message', () => {
  assert.equal(didYouMean('servres', keys), ': did you mean "servers"?')
})

test('a word that is known is its own nearest, and one edit away is found again', () => {
  const word = fc.stringMatching(/^[a-z]{3,12}$/)
  fc.assert(
    fc.property(word, fc.nat(11), fc.array(word, { maxLength: 5 }), (wanted, at, others) => {
      assert.equal(nearest(wanted, [...others, wanted]), wanted)
      const dropped = wanted.slice(0, at % wanted.length) + wanted.slice((at % wanted.length) + 1)
      assert.equal(nearest(dropped, [wanted]), wanted)
    }),
  )
})
