// Another node's part in a change, asked over the network. Time-outs are those of what it has to do.

import type { z } from 'zod'
import { type Peers, type PeerView, requestJson } from '../cluster/peers.ts'
import type { Participant } from './coordinator.ts'
import { nothingSchema, paths, preparedSchema, REASON_LIMIT, ranSchema } from './peer-words.ts'
import { encodeRevision } from './revision.ts'

const PREPARE_MS = 30_000
const TRY_MS = 60_000
const SETTLE_MS = 10_000
/** SETTLE_TRIES: who does not hear of a decision asks by itself, a little later. */
const SETTLE_TRIES = 2

/** participantOf a peer that is connected. */
export function participantOf(peers: Peers, { name: node }: Pick<PeerView, 'name'>): Participant {
  const ask = <Reply extends z.ZodType>(
    path: string,
    body: Parameters<typeof requestJson>[1]['body'],
    reply: Reply,
    timeoutMs = SETTLE_MS,
  ) => requestJson(peers, { node, path, body, reply, timeoutMs })
  return {
    node,
    prepare(attempt, revision) {
      const line = Buffer.from(`${JSON.stringify(attempt)}\n`)
      return ask(paths.prepare, Buffer.concat([line, encodeRevision(revision)]), preparedSchema, PREPARE_MS)
    },
    try: (id) => ask(paths.try, { id }, ranSchema, TRY_MS),
    settle: async (id, confirmMs) => {
      const body = { id, ...(confirmMs !== undefined && { confirmMs }) }
      await repeated(SETTLE_TRIES, () => ask(paths.settle, body, nothingSchema))
    },
    abort: async (id, why) => {
      await ask(paths.abort, { id, why: why.slice(0, REASON_LIMIT) }, nothingSchema)
    },
    confirm: async (revision, why) => {
      await ask(paths.confirm, { revision, why }, nothingSchema)
    },
    revert: async (revision, why) => {
      await ask(paths.revert, { revision, why }, nothingSchema)
    },
  }
}

async function repeated(times: number, body: () => Promise<unknown>): Promise<void> {
  for (let left = times; ; left--) {
    try {
      await body()
      return
    } catch (error) {
      if (left <= 1) throw error
    }
  }
}
