import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Protocol, parseIp4 } from '../base/addresses.ts'
import { TIMEOUTS } from '../dataplane/shape.ts'
import { defenceShapeOf } from './defence-shape.ts'
import type { DefenceSpec } from './defence-spec.ts'

const BARE: DefenceSpec = { rules: [], allow: [], deny: [], only: false }
type Service = readonly [protocol: Protocol, ceiling?: number]

/** known: whether the shape of these services has flows of UDP, where the node has this ceiling. */
function known(services: readonly Service[], ceiling?: number): boolean {
  const spec: Parameters<typeof defenceShapeOf>[0] = {
    defence: { ...BARE, ...(ceiling !== undefined && { ceiling }) },
    services: services.map(([protocol, own], i) => ({
      name: `s${i}`,
      listeners: [{ address: parseIp4('192.0.2.10'), port: 53 + i, protocol }],
      pool: 'p',
      track: 'none',
      onFailure: 'keep',
      hash: 'flow',
      timeouts: TIMEOUTS,
      ...(own !== undefined && { defence: { proof: 'auto', ceiling: own } }),
    })),
  }
  const numbered = spec.services.map(({ name }, at) => ({ name, at }))
  return defenceShapeOf(spec, numbered)!.known !== undefined
}

test('there is room for flows of UDP where a ceiling counts them, and nowhere else', () => {
  assert.equal(known([['tcp'], ['udp']]), false)
  assert.equal(known([['tcp', 10], ['udp']]), false)
  assert.equal(known([['tcp'], ['udp', 10]]), true)
  assert.equal(known([['tcp'], ['udp']], 10), true)
  assert.equal(known([['tcp']], 10), false)
})
