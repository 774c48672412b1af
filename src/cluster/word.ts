// The word of invitation: one line that is carried from a node of the cluster to a machine that is to be another one. It
// says which node that machine becomes, from which address it will be taken in, where to ask, and a secret for that one
// purpose. It is as secret as the keys themselves, for as long as it is good.

import { z } from 'zod'
import {
  type Endpoint,
  formatEndpoint,
  formatIp,
  type Ip,
  tryEndpoint,
  tryIp4,
  tryIp6,
} from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { isName } from '../base/ranges.ts'
import { WORD_KEY } from './invitations.ts'

/** Word: `from`: the invited node's address in the file; `at`: where the one that invites is met. */
export interface Word {
  readonly node: string
  readonly from: Ip
  readonly at: Endpoint
  readonly key: Uint8Array
}

const PREFIX = 'tenbin1.'
const wordSchema = z.tuple([z.string(), z.string(), z.string(), z.string()])

/** formatWord: about a hundred characters without spaces. */
export function formatWord({ node, from, at, key }: Word): string {
  const fields = [node, formatIp(from), formatEndpoint(at), Buffer.from(key).toString('base64url')]
  return `${PREFIX}${Buffer.from(JSON.stringify(fields)).toString('base64url')}`
}

/** parseWord. Throws CLUSTER_WORD_INVALID. */
export function parseWord(text: string): Word {
  const word = text.startsWith(PREFIX) ? read(text.slice(PREFIX.length)) : undefined
  if (word) return word
  throw new TenbinError('CLUSTER_WORD_INVALID', 'join', {
    detail: `a word of invitation begins with ${PREFIX} and is one whole`,
  })
}

function read(text: string): Word | undefined {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
  } catch {
    return undefined
  }
  const fields = wordSchema.safeParse(value)
  if (!fields.success) return undefined
  const [node, fromText, atText, keyText] = fields.data
  const from = tryIp4(fromText) ?? tryIp6(fromText)
  const at = tryEndpoint(atText)
  const key = new Uint8Array(Buffer.from(keyText, 'base64url'))
  if (from === undefined || at === undefined || !isName(node) || key.length !== WORD_KEY) return undefined
  return { node, from, at, key }
}
