// `failover --to` among three nodes and more: nodes that would come before the one that is named are asked to leave it the
// role. Its idea: they are asked before the active node gives it up, so that what cannot be asked moves nothing; what they
// promise ends by itself, so that nobody waits for a node that did not take it.

import { z } from 'zod'
import { handleJson, type Peers, requestJson } from '../cluster/peers.ts'

const PATH = 'roles/defer'
/** ANSWER_MS: of an answer; and of how long a node defers, besides the silence that another one may wait for. */
const ANSWER_MS = 2_000

const deferralSchema = z.object({ set: z.string(), deferMs: z.number(), holdMs: z.number() })
const deferredSchema = z.object({ kept: z.boolean() })

/** Deferral: a set that is left to another node for `deferMs`, should who has it leave; nobody is preempted for `holdMs`. */
export type Deferral = z.infer<typeof deferralSchema>

/** deferMs of a set with these adverts: more than the silence that the node that is named may wait for. */
export const deferMs = (advertMs: number): number => 4 * advertMs + ANSWER_MS

/** haveDeferred: all of these nodes. Throws what one of them answers, and what Peers throws. */
export async function haveDeferred(peers: Peers, nodes: readonly string[], body: Deferral): Promise<void> {
  const request = { path: PATH, body, reply: deferredSchema, timeoutMs: ANSWER_MS }
  await Promise.all(nodes.map((node) => requestJson(peers, { node, ...request })))
}

/** handleDefer: `defer` says whether it could be kept. */
export const handleDefer = (peers: Peers, defer: (order: Deferral) => boolean): Disposable =>
  handleJson(peers, PATH, deferralSchema, async (_, order) => ({ kept: defer(order) }))
