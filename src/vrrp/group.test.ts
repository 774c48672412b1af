import assert from 'node:assert/strict'
import { test } from 'node:test'
import { US, words } from '../../test/vrrp/machine-stories.ts'
import { parseIp } from '../base/addresses.ts'
import { type Group, groupNextAt, groupOf, type Happened, isActive, stepGroup } from './group.ts'

const hear = (to: string, priority: number): Happened => ({
  to,
  event: { kind: 'advert', from: parseIp('192.0.2.6'), priority, adverMs: 1000 },
})
const tick: Happened = { to: undefined, event: { kind: 'tick' } }
const startup: Happened = { to: undefined, event: { kind: 'startup' } }

/** A group of front and back that is told what happens when; says what is to be done. */
function play(lines: readonly (readonly [number, Happened, readonly string[]])[]): Group {
  let group = groupOf(
    new Map([...['front', 'back']].map((name) => [name, { ...US, announce: { repeatMs: 0, refreshMs: 0 } }])),
  )
  for (const [at, happened, expected] of lines) {
    const [after, effects] = stepGroup(group, happened, at)
    assert.deepEqual(
      effects.map(({ member, effect }) => `${member}: ${words(effect)}`),
      expected,
      `at ${at}`,
    )
    group = after
  }
  return group
}
const takes = (name: string, why: string): string[] =>
  ['send 100', 'take', 'announce took', `backup -> active: ${why}`].map((each) => `${name}: ${each}`)
const yields = (name: string): string[] =>
  ['send 0', 'leave', 'active -> backup: yield'].map((each) => `${name}: ${each}`)
const both = (...words: string[]): string[] =>
  ['front', 'back'].flatMap((name) => words.map((each) => `${name}: ${each}`))
const started = [0, startup, both('initialize -> backup: startup')] as const
const took = [3610, tick, [...takes('front', 'silence'), ...takes('back', 'silence')]] as const

test('silence on both takes both, in one step', () => {
  const group = play([started, [3000, tick, []], took])
  assert.ok(isActive(group))
  assert.equal(groupNextAt(group), 4610)
})

test('silence on one alone takes none, until the other one is silent too', () => {
  const group = play([
    started,
    [3000, hear('back', 150), []],
    [3610, tick, []],
    [6000, hear('back', 150), []],
    [9000, tick, []],
  ])
  assert.equal(isActive(group), false)
  assert.equal(groupNextAt(group), 9609.375)
  const [after] = stepGroup(group, tick, 9609.375)
  assert.ok(isActive(after))
})

test('an advert in front ends what front wanted', () => {
  play([
    started,
    [3000, hear('back', 150), []],
    [3610, tick, []],
    [4000, hear('front', 150), []],
    [6609.375, tick, []],
  ])
})

test('who loses one leaves the others with priority 0', () => {
  play([
    started,
    took,
    [4000, hear('back', 150), ['back: leave', 'back: active -> backup: higher', ...yields('front')]],
    [4100, tick, []],
  ])
})

test('a group that overslept steps back as a whole', () => {
  const group = play([
    started,
    took,
    [9000, tick, both('leave', 'active -> backup: overslept', 'report overslept')],
    [10_609.375, tick, [...takes('front', 'overslept'), ...takes('back', 'overslept')]],
  ])
  assert.ok(isActive(group))
})

test('a fault of one is a shutdown of all, and a yield one of all', () => {
  play([
    started,
    took,
    [
      4000,
      { to: undefined, event: { kind: 'yield', why: 'operator', holdMs: 0 } },
      both('send 0', 'leave', 'active -> backup: yield'),
    ],
    [
      4001,
      { to: undefined, event: { kind: 'shutdown', why: 'eth1 is down' } },
      both('backup -> initialize: shutdown'),
    ],
    [9000, tick, []],
  ])
})

test('an owner in a group takes the others along', () => {
  const routers = new Map([
    ['front', { ...US, priority: 255 }],
    ['back', US],
  ])
  const [group] = stepGroup(groupOf(routers), startup, 0)
  assert.ok(isActive(group))
})
