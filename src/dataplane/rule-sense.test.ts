import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tryPrefix } from '../base/prefix.ts'
import type { RuleShape } from './defence-shape.ts'
import { layoutOf } from './fill.ts'
import { fixedKeys, goldenShapes } from './golden-shapes.ts'
import { packetProgram } from './packet-path.ts'
import type { RuleMatch } from './rule.ts'
import { reduced } from './rule-sense.ts'

const tcp4 = { family: 4, protocol: 'tcp' } as const
const all = { first: 0, last: 65_535 }

test('what always holds is left out, and what never holds makes no rule', () => {
  assert.deepEqual(reduced({ window: all, length: all, ports: [{ first: 7, last: 7 }, all] }, tcp4), {})
  assert.deepEqual(reduced({ ttl: { first: 0, last: 255 }, source: [tryPrefix('0.0.0.0/0')!] }, tcp4), {
    ttl: { first: -1, last: 254 },
  })
  assert.equal(reduced({ ttl: { first: 0, last: 0 } }, tcp4), undefined)
  assert.equal(reduced({ length: { first: 65_536, last: 65_540 } }, tcp4), undefined)
  assert.notEqual(reduced({ length: { first: 65_536, last: 65_540 } }, { family: 6 }), undefined)
  assert.equal(reduced({ source: [tryPrefix('2001:db8::/32')!] }, tcp4), undefined)
  assert.equal(reduced({ protocol: 'udp' }, tcp4), undefined)
  assert.equal(reduced({ ports: [all] }, { family: 4 }), undefined)
})

test('a program comes of rules that match whatever comes, or nothing, wherever they stand', () => {
  const matches: readonly RuleMatch[] = [
    {},
    { protocol: 'tcp' },
    { protocol: 'udp' },
    { source: [tryPrefix('0.0.0.0/0')!, tryPrefix('::/0')!] },
    { sourcePorts: [all] },
    { ttl: { first: 0, last: 0 } },
  ]
  const rule = (match: RuleMatch, action: RuleShape['action']): RuleShape => ({
    match,
    action,
    perSecond: 1,
    record: false,
  })
  for (const name of ['one-listener', 'one-udp-listener', 'everything-once'])
    for (const match of matches)
      for (const action of ['drop', 'count', 'limit'] as const) {
        const rules = [rule(match, action), rule({ ttl: { first: 5, last: 9 } }, 'drop'), rule(match, action)]
        const shape = { ...goldenShapes[name]!, defence: { rules, lists: { entries: 64 }, ceilings: false } }
        assert.ok(packetProgram(shape, layoutOf(shape, fixedKeys()).memory).spec.code.length > 0)
      }
})
