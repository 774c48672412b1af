// What this node answers others about revisions: its half of their changes, and what it has kept. When a node that
// began a change was heard last is remembered here, for who looks after changes that nobody ends (follower.ts).

import { TenbinError } from '../base/errors.ts'
import { handleJson, type Peers } from '../cluster/peers.ts'
import type { Coordinator } from './coordinator.ts'
import type { Attempt, LocalRevisions } from './local.ts'
import {
  abortBody,
  attemptSchema,
  outcomeBody,
  pastBody,
  paths,
  REVISION_BODY_MAX,
  readBody,
  revisionBody,
  settleBody,
  tryBody,
} from './peer-words.ts'
import { decodeRevision, encodeRevision, type Head } from './revision.ts'
import type { RevisionStore } from './revision-store.ts'
import type { Clock, Ran, Runner } from './runner.ts'

export interface AnsweringOptions {
  readonly peers: Peers
  readonly local: LocalRevisions
  readonly coordinator: Coordinator
  readonly store: RevisionStore
  readonly runner: Runner
  readonly clock: Clock
}

/** Answering: `heardMs`: when whoever began the trial that is under way here was heard, by the clock of boots. */
export interface Answering extends Disposable {
  heardMs(): number
  hear(): void
}

/** answerPeers answers until disposed. */
export function answerPeers({
  peers,
  local,
  coordinator,
  store,
  runner,
  clock,
}: AnsweringOptions): Answering {
  let heardMs = 0
  const hear = () => {
    heardMs = clock.bootMs()
  }
  /** own: a node speaks of its own attempts only. What it says of another one is no word of that which is under way. */
  const own = (from: string, id: string): void => {
    const { attempt } = local
    if (attempt?.id !== id) return
    if (attempt.node !== from)
      throw new TenbinError('APPLY_OVER', 'apply', { detail: `this attempt is of ${attempt.node}` })
    hear()
  }
  const handlers = [
    peers.handle(
      paths.prepare,
      async (from, body) => {
        const end = body.indexOf(0x0a)
        const attempt = readAttempt(body.subarray(0, Math.max(0, end)), from)
        const revision = decodeRevision(body.subarray(end + 1))
        await local.prepare(attempt, revision)
        hear()
        return Buffer.from(JSON.stringify({ isActive: runner.isActive() }))
      },
      { maxBytes: REVISION_BODY_MAX },
    ),
    handleJson(peers, paths.try, tryBody, async (from, { id }) => {
      own(from, id)
      const ran = await local.try(id)
      own(from, id)
      return ranJson(ran)
    }),
    handleJson(peers, paths.settle, settleBody, async (from, { id, confirmMs }) => {
      own(from, id)
      await local.settle(id, confirmMs)
      return {}
    }),
    handleJson(peers, paths.abort, abortBody, async (from, { id, why }) => {
      own(from, id)
      if (local.attempt?.id === id) await local.abort(id, why)
      return {}
    }),
    handleJson(peers, paths.outcome, outcomeBody, async (_, { id, revision }) => {
      const { current, leftMs } = local
      if (current?.id !== revision) return { outcome: coordinator.isDeciding(id) ? 'running' : 'none' }
      return leftMs === undefined
        ? { outcome: 'settled' }
        : { outcome: 'confirming', leftMs: Math.max(1, leftMs) }
    }),
    handleJson(peers, paths.confirm, revisionBody, async (_, { revision, why }) => {
      if (local.current?.id === revision && local.state === 'confirming') await local.confirm(why)
      return {}
    }),
    handleJson(peers, paths.revert, revisionBody, async (_, { revision, why }) => {
      if (local.current?.id === revision && local.state === 'confirming') await local.revert(why)
      return {}
    }),
    handleJson(peers, paths.past, pastBody, async (_, { id }) => {
      const past = store.past(local.current?.id)
      const at = past.findIndex((head) => head.id === id)
      return {
        isPast: at >= 0,
        heads: past
          .slice(0, at < 0 ? past.length : at)
          .reverse()
          .map(headJson),
      }
    }),
    peers.handle(paths.read, async (from, body) => encodeRevision(store.read(readId(body, from)))),
  ]
  return {
    heardMs: () => heardMs,
    hear,
    [Symbol.dispose]: () => {
      for (const handler of handlers) handler[Symbol.dispose]()
    },
  }
}

function readId(bytes: Uint8Array, from: string): string {
  try {
    return readBody.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))).id
  } catch (cause) {
    throw new TenbinError('PEER_REQUEST', `read from ${from}`, { detail: 'it names no revision', cause })
  }
}

function readAttempt(bytes: Uint8Array, from: string): Attempt {
  try {
    // Whose attempt it is the certificate says, not the message.
    return { ...attemptSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))), node: from }
  } catch (cause) {
    throw new TenbinError('PEER_REQUEST', `prepare from ${from}`, { detail: 'it has no attempt', cause })
  }
}

const headJson = ({ number, id, parent, at, node, who, why }: Head) => ({
  number,
  id,
  parent,
  at,
  node,
  who,
  why,
})

const ranJson = ({ change, generation, instructions, loadMs, notes }: Ran) => ({
  ...{ change, generation, instructions, loadMs },
  notes: [...notes],
})
