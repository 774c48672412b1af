// A role that is about to move by order, as the other nodes hear of it before it does: whoever takes it awaits records
// from then on (awaiting-records.ts), also one that is active for another set already, whom nothing else would tell
// before packets come. Its idea: all that are there are asked at once, since who takes a role is vrrp's choice; one that
// cannot be asked in time, or does not know how, keeps nobody from moving it.

import { z } from 'zod'
import { TenbinError } from '../base/errors.ts'
import { handleJson, type Peers, requestJson } from '../cluster/peers.ts'

const PATH = 'roles/expect'
/** EXPECT_MAX_MS: more than any change of a role takes, by adverts of 41 s at most. */
const EXPECT_MAX_MS = 60_000

const bodySchema = z.object({ ms: z.number().min(0).max(EXPECT_MAX_MS) })

/** haveExpected: a change of a role within `ms`, by all nodes that are connected and answer within `timeoutMs`. */
export async function haveExpected(peers: Peers, ms: number, timeoutMs: number): Promise<void> {
  const request = { path: PATH, body: { ms }, reply: z.object({}), timeoutMs }
  await Promise.all(
    peers.nodes().map(async ({ name: node, state }) => {
      if (state !== 'connected') return
      await requestJson(peers, { node, ...request }).catch((error: unknown) => {
        if (!(error instanceof TenbinError)) throw error
      })
    }),
  )
}

/** handleExpect: `expect` is told for how long. */
export const handleExpect = (peers: Peers, expect: (ms: number) => void): Disposable =>
  handleJson(peers, PATH, bodySchema, async (_, { ms }) => {
    expect(ms)
    return {}
  })
