// Who sends most, in the memory of a few hundred.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Top } from './top.ts'

test('who sends most is known among a hundred thousand that send once', () => {
  const top = new Top()
  for (let i = 0; i < 100_000; i++) top.add(i % 4 === 0 ? 'loud' : `${i}`)
  const [loud, ...others] = top.most
  assert.deepEqual([loud?.key, others], ['loud', []])
  assert.ok(Math.abs(loud!.share - 0.25) < 0.01, `${loud!.share}`)
  for (let i = 0; i < 30; i++) top.halve()
  assert.deepEqual(top.most, [])
})

test('at most ten are named, and each sends a hundredth', () => {
  const top = new Top()
  for (let i = 0; i < 1_500; i++) top.add(`often ${i % 15}`)
  assert.equal(top.most.length, 10)
  for (let i = 0; i < 200; i++) top.add('seldom')
  for (let i = 0; i < 20_000; i++) top.add('always')
  assert.deepEqual(
    top.most.map(({ key }) => key),
    ['always'],
  )
})

test('who begins late among many that send once is found, and is named only for what he has sent himself', () => {
  const top = new Top()
  for (let i = 0; i < 2_560; i++) top.add(`early ${i % 256}`)
  for (let i = 0; i < 2_000; i++) for (const key of ['late', `once ${i}`]) top.add(key)
  assert.deepEqual(
    top.most.map(({ key }) => key),
    ['late'],
  )
  const others = new Top()
  for (let i = 0; i < 100_000; i++) others.add(`once ${i}`)
  for (let i = 0; i < 900; i++) others.add('under a hundredth')
  assert.deepEqual(others.most, [])
})
