// Invitations: who may join, for a while, by a word that only he knows. They are kept in a folder beside the keys (files of
// mode 0600), because who invites is a command and who answers is the daemon. Each is a file of its own, whose name nothing
// else ever has, so whoever makes one and whoever takes one away never write over each other. A join that was cut off can be
// made again by the same word: it is used up when a daemon of the node that it names appears with a certificate. One for each
// node, the last one; of two that are made at the same moment both are good.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { TenbinError } from '../base/errors.ts'
import { readIfThere, writePrivate } from '../sys/private-file.ts'
import type { ClusterKeys } from './key-file.ts'
import type { Join } from './reception.ts'

/** WORD_KEY: bytes of the secret in a word of invitation. */
export const WORD_KEY = 16

const SUFFIX = '.json'
const fileSchema = z.strictObject({ node: z.string(), key: z.base64(), until: z.number() })

/** Invitation: `until` in ms since 1970, by the clock of the node that invites. */
export interface Invitation {
  readonly node: string
  readonly key: Uint8Array
  readonly until: number
}

interface Kept extends Invitation {
  readonly path: string
}

export class Invitations {
  readonly #folder: string

  /** `folder`: made when somebody is invited. */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** all that are kept, those that are over too. A file that is damaged holds none. Throws what fs throws. */
  all(): readonly Invitation[] {
    return this.#kept().map(({ path: _, ...invitation }) => invitation)
  }

  /** invite: in place of an earlier one to the same node. Throws what fs throws. */
  invite({ node, key, until }: Invitation): void {
    const before = this.#kept().filter((one) => one.node === node)
    const path = join(this.#folder, `${randomBytes(8).toString('hex')}${SUFFIX}`)
    writePrivate(path, `${JSON.stringify({ node, key: Buffer.from(key).toString('base64'), until })}\n`)
    for (const one of before) rmSync(one.path, { force: true })
  }

  /** joined: a node is there; its words are good for nothing more. A disk that does not do that leaves them to their time. */
  joined(node: string): void {
    try {
      for (const one of this.#kept()) if (one.node === node) rmSync(one.path, { force: true })
    } catch {
      return
    }
  }

  #kept(): Kept[] {
    return this.#files().flatMap((name): Kept[] => {
      const path = join(this.#folder, name)
      // Another process may have taken it away.
      const bytes = readIfThere(path)
      if (!bytes) return []
      try {
        const { key, ...rest } = fileSchema.parse(JSON.parse(bytes.toString('utf8')))
        return [{ ...rest, key: new Uint8Array(Buffer.from(key, 'base64')), path }]
      } catch {
        return []
      }
    })
  }

  #files(): string[] {
    try {
      return readdirSync(this.#folder).filter((name) => name.endsWith(SUFFIX))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  }
}

/** joinRequestSchema, joinAnswerSchema: what travels at a join, in JSON; bytes in base64. */
export const joinRequestSchema = z.strictObject({ node: z.string().max(63), proof: z.base64() })
export const joinAnswerSchema = z.strictObject({
  proof: z.base64(),
  secret: z.base64(),
  current: z.base64(),
  next: z.base64().optional(),
  previous: z.base64().optional(),
})

/**
 * proofOf a word's key on one connection: `bound` are 32 bytes that TLS gives to its two ends and to nobody between them
 * (RFC 8446 7.5), so neither proof is of use on another connection.
 */
export const proofOf = (key: Uint8Array, end: 'joins' | 'invites', bound: Uint8Array): Buffer =>
  createHmac('sha256', key).update(`tenbin join 1 ${end}\n`).update(bound).digest()

/** answerJoin gives the cluster's keys to whoever proves the word. Throws CLUSTER_JOIN_REFUSED, PEER_REQUEST. */
export function answerJoin(invitations: Invitations, keys: () => ClusterKeys, now: () => Date): Join {
  return async (body, bound) => {
    const { node, proof } = readRequest(body)
    const refused = (detail: string) => new TenbinError('CLUSTER_JOIN_REFUSED', `join of ${node}`, { detail })
    const given = Buffer.from(proof, 'base64')
    const found = invitations.all().find((one) => {
      const wanted = proofOf(one.key, 'joins', bound)
      return one.node === node && given.length === wanted.length && timingSafeEqual(given, wanted)
    })
    // Who has no word does not learn who was invited.
    if (!found) throw refused('this word is not, or no longer, one that was given out for this node')
    if (found.until <= now().getTime())
      throw refused(`this word was good until ${new Date(found.until).toISOString().slice(0, 16)}Z`)
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
    const { secret, current, next, previous } = keys()
    const answer: z.input<typeof joinAnswerSchema> = {
      proof: text(proofOf(found.key, 'invites', bound)),
      secret: text(secret),
      current: text(current),
      ...(next && { next: text(next) }),
      ...(previous && { previous: text(previous) }),
    }
    return Buffer.from(JSON.stringify(answer))
  }
}

function readRequest(body: Uint8Array): z.output<typeof joinRequestSchema> {
  try {
    return joinRequestSchema.parse(JSON.parse(Buffer.from(body).toString('utf8')))
  } catch (cause) {
    throw new TenbinError('PEER_REQUEST', 'join', { detail: 'this is no request to join', cause })
  }
}
