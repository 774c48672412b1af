// The messages between two nodes: one of three kinds, in an envelope that says by which hash keys its contents are found.
// Each can be understood by itself, and coming twice is as good as once. The answer says who answers: a daemon that has
// started again, or runs another generation, is another one, and is told everything anew.
//
//   "tbr" | version | kind | hash keys' fingerprint | body        answer: version | era (8 bytes) | verdict

import { createHash } from 'node:crypto'
import type { FlowBatch } from '../engine/flow-exchange.ts'
import type { PoolShare } from '../engine/pool-share.ts'
import { ByteReader, ByteWriter, malformed } from './bytes.ts'
import { decodeFlows, encodeFlows } from './flow-codec.ts'
import { decodeShare, encodeShare } from './share-codec.ts'

/** MESSAGE_MAX: bytes of a message. */
export const MESSAGE_MAX = 32 * 1024 * 1024
const MAGIC = Buffer.from('tbr')
const VERSION = 1
const FINGERPRINT = 8
const ERA = 8

/** Message: `hello` asks who is there; `told`: all that there was to be told has been. */
export type Message =
  | { readonly kind: 'hello' | 'told' }
  | { readonly kind: 'flows'; readonly batch: FlowBatch }
  | { readonly kind: 'share'; readonly share: PoolShare }

const KINDS: readonly Message['kind'][] = ['hello', 'told', 'flows', 'share']

/**
 * Verdict: `taken`; or nothing was: `idle`: nothing is applied there yet; `keys`: its hash keys are others; of a share:
 * `leads`: it leads that pool itself; `other`: it cannot follow, being another version; `later`: it can after its next apply.
 */
export type Verdict = 'taken' | 'idle' | 'keys' | 'leads' | 'other' | 'later'
const VERDICTS: readonly Verdict[] = ['taken', 'idle', 'keys', 'leads', 'other', 'later']

/** Answer: `era` is another one whenever what was told before may not be there any more. */
export interface Answer {
  readonly era: string
  readonly verdict: Verdict
}

/** fingerprintOf hash keys, which it does not tell: hex. */
export const fingerprintOf = (keys: BigUint64Array): string =>
  createHash('sha256')
    .update('tenbin hash keys')
    .update(new Uint8Array(keys.buffer, keys.byteOffset, keys.byteLength))
    .digest('hex')
    .slice(0, 2 * FINGERPRINT)

/** encodeMessage: `keys`: fingerprintOf. */
export function encodeMessage(message: Message, keys: string): Uint8Array {
  const to = new ByteWriter().raw(MAGIC).u8(VERSION).u8(KINDS.indexOf(message.kind))
  to.raw(Buffer.from(keys, 'hex'))
  if (message.kind === 'flows') encodeFlows(to, message.batch)
  if (message.kind === 'share') encodeShare(to, message.share)
  return to.done()
}

/** decodeMessage: undefined: its hash keys are not these, and nothing of it was read. Throws REPLICA_MALFORMED. */
export function decodeMessage(bytes: Uint8Array, keys: string): Message | undefined {
  const from = new ByteReader(bytes)
  if (!MAGIC.equals(from.raw(MAGIC.length))) throw malformed('no message of tenbin')
  const version = from.u8()
  if (version !== VERSION) throw malformed(`version ${version}, and this one knows ${VERSION}`)
  const kind = KINDS[from.u8()]
  if (kind === undefined) throw malformed('a kind of message that there is not')
  if (Buffer.from(from.raw(FINGERPRINT)).toString('hex') !== keys) return undefined
  const message = read(kind, from)
  from.end()
  return message
}

function read(kind: Message['kind'], from: ByteReader): Message {
  switch (kind) {
    case 'flows':
      return { kind, batch: decodeFlows(from) }
    case 'share':
      return { kind, share: decodeShare(from) }
    default:
      return { kind }
  }
}

/** encodeAnswer: `era` is 16 hexadecimal digits. */
export const encodeAnswer = ({ era, verdict }: Answer): Uint8Array =>
  new ByteWriter().u8(VERSION).raw(Buffer.from(era, 'hex')).u8(VERDICTS.indexOf(verdict)).done()

/** decodeAnswer. Throws REPLICA_MALFORMED. */
export function decodeAnswer(bytes: Uint8Array): Answer {
  const from = new ByteReader(bytes)
  const version = from.u8()
  if (version !== VERSION) throw malformed(`an answer of version ${version}`)
  const era = Buffer.from(from.raw(ERA)).toString('hex')
  const verdict = VERDICTS[from.u8()]
  if (!verdict) throw malformed('a verdict that there is not')
  from.end()
  return { era, verdict }
}
