// What the daemon's processes say to each other, by version: two that are not of one build meet at every upgrade, and know of
// each other by their version alone. So other messages are another version; this is what notices that somebody forgot.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { z } from 'zod'
import { PROTOCOL_VERSION, toCheckerSchema, toMainSchema } from '../health/protocol.ts'
import { toVrrpSchema, VRRP_PROTOCOL, vrrpToMainSchema } from '../vrrp/protocol.ts'
import { fromRtnlSchema, RTNL_PROTOCOL, toRtnlSchema } from '../vrrp/rtnl-protocol.ts'

const digestOf = (...schemas: readonly z.ZodType[]): string =>
  createHash('sha256')
    .update(JSON.stringify(schemas.map((schema) => z.toJSONSchema(schema, { io: 'input' }))))
    .digest('hex')
    .slice(0, 16)

test('what main, vrrp, its rtnl process and the checker say to each other is what their versions stand for', () => {
  const now = {
    [`vrrp ${VRRP_PROTOCOL}`]: digestOf(toVrrpSchema, vrrpToMainSchema),
    [`rtnl ${RTNL_PROTOCOL}`]: digestOf(toRtnlSchema, fromRtnlSchema),
    [`checker ${PROTOCOL_VERSION}`]: digestOf(toCheckerSchema, toMainSchema),
  }
  // Where this fails: raise the version beside the schemas, and write both here.
  assert.deepEqual(now, {
    'vrrp 3': '57cbf76c6d541c5a',
    'rtnl 3': 'e056aa6354b23445',
    'checker 2': '02cd613bb7798286',
  })
})
