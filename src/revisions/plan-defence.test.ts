import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load } from '../config/load.ts'
import { textReader } from '../config/reader.ts'
import type { DesiredState } from '../config/state.ts'
import { actionsOf } from './plan-actions.ts'

const file = (defence: string) => `
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [10.0.0.100/24] } }
servers: { web1..4: 10.0.0.101..104 }
services: { www: { listen: [10.0.0.100:80], servers: web1..4, check: none } }
${defence}`
const state = (defence = ''): DesiredState => load('t', textReader({ t: file(defence) }))
const planned = (before: DesiredState, after: DesiredState): string[] =>
  actionsOf(before, after).map(({ kind, what, name, detail }) =>
    [kind, what, name, ...(detail === undefined ? [] : [detail])].join(' '),
  )

test('a defence that comes because the file says nothing of it, or goes with `off`, is said part by part', () => {
  const [off, none] = [state('defence: off'), state()]
  assert.deepEqual(planned(off, none), ['add rule bare-syn', 'add defence proof', 'add defence recorder'])
  assert.deepEqual(planned(none, off), [
    'remove rule bare-syn',
    'remove defence proof',
    'remove defence recorder',
  ])
  assert.deepEqual(planned(none, state('defence: on')), [])
})

test('a share of doubt is said as in the file', () => {
  const of = (doubt: string) => state(`defence: { doubt: ${doubt} }`)
  assert.deepEqual(planned(of('2.5%'), of('100%')), ['change defence doubt of: 2.5% -> 100%'])
})

test('of what changes in a defence the fields are said, of lists what comes and goes', () => {
  const before = state('defence: { allow: [203.0.113.0/24, 198.51.100.7], sources: { new: 10/s } }')
  const after = state(
    'defence: { allow: [203.0.113.0/24, 2001:db8::/32], only: true, proof: { above: 200/s }, rules: { bare-syn: drop }, ceiling: 5000/s, recorder: off }',
  )
  assert.deepEqual(planned(before, after), [
    'change rule bare-syn action: count -> drop',
    'remove defence sources',
    'remove defence recorder',
    'change defence proof above: 10000/s -> 200/s; below: 5000/s -> 100/s',
    'add defence ceiling',
    'change defence allow networks: - 198.51.100.7, + 2001:db8::/32',
    'add defence only',
  ])
})
