// Peers: the other nodes of the cluster, as the rest of the daemon sees them. Its idea: a peer is who the file names and
// whose certificate says so; each second every two nodes exchange a small document of named parts (who is active, which
// revision, a digest of what servers do), and whatever needs more sends a request to a path of the other node. Bytes go in
// and out; what they mean is their owners' matter. Left out: how they travel (transport.ts), and what tests use (fake-peers.ts).

import type { z } from 'zod'
import { TenbinError } from '../base/errors.ts'

/** Json: what JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/**
 * PeerState: `connected`: it answers us; `unreachable`: nothing comes back; `refused`: one of the two does not take the
 * other for a node of its cluster, or they speak no common version.
 */
export type PeerState = 'connected' | 'unreachable' | 'refused'

/** PeerView: another node of the file. What is known of one that is not connected is what it said last. */
export interface PeerView {
  readonly name: string
  readonly state: PeerState
  /** since when it has been in that state. */
  readonly since: Date
  /** why it is not connected, in one line. */
  readonly why?: string
  /** hasLeft: it is not connected because somebody stopped its daemon in order. */
  readonly hasLeft?: true
  /** Of the tenbin that runs there; absent: never heard. */
  readonly version?: string
  /** run: of the daemon there; another one after each of its starts. */
  readonly run?: string
  /** protocol: what both speak, a whole number that grows. */
  readonly protocol?: number
  /** clockAheadMs: how far its clock is ahead of ours (below zero: behind), to about the time of a round trip. */
  readonly clockAheadMs?: number
  /** Whether it reached us within the last seconds; one that is connected and does not is behind a one-way filter. */
  readonly reachesUs: boolean
  /** parts: what it publishes, by name. Read them by {@link partOf}. */
  readonly parts: Readonly<Record<string, Json>>
}

/** HandleOptions: `maxBytes` of a request's body, {@link BODY_MAX} if absent. */
export interface HandleOptions {
  readonly maxBytes?: number
}

/** Handler answers requests of `from`, a node of the file. What it throws is thrown at the other node's request. */
export type Handler = (from: string, body: Uint8Array) => Promise<Uint8Array>

export interface Peers {
  /** self: this node's name; undefined: it is in no cluster (no keys, or no node of the file), and nodes() is empty. */
  readonly self: string | undefined

  /** astray: why it is in no cluster, though there are keys of one; undefined: it is in one, or there are none. */
  readonly astray: string | undefined

  /** nodes: the file's other nodes, in its order. */
  nodes(): readonly PeerView[]

  /**
   * request sends `body` to `path` of another node and resolves with what its handler answers, or throws within
   * `timeoutMs`: PEER_UNKNOWN, PEER_UNREACHABLE (it may have been handled all the same), PEER_REFUSED, PEER_TIMEOUT,
   * PEER_ANSWER, PEER_FAILED; and what its handler threw, by the same code.
   */
  request(node: string, path: string, body: Uint8Array, timeoutMs: number): Promise<Uint8Array>

  /** handle answers requests to `path` ("words/and-words") until disposed; a path has one handler. */
  handle(path: string, handler: Handler, options?: HandleOptions): Disposable

  /**
   * publish says a part of this node's document from now on: peers have it within a second or so, sooner if it is
   * reachable. Parts are small: one with which all together had more than {@link DOCUMENT_MAX} bytes is not said, and is a
   * fault of the cluster's. undefined takes one back.
   */
  publish(part: string, value: Json | undefined): void

  /** onChange: a peer's state, or something that it publishes, is another one. Not called for heartbeats that say the same. */
  onChange(listener: () => void): Disposable
}

/** BODY_MAX: bytes of a request's body, if its handler says nothing else; BODY_LIMIT: whatever it says, and of answers. */
export const BODY_MAX = 4 * 1024 * 1024
export const BODY_LIMIT = 64 * 1024 * 1024
/** DOCUMENT_MAX: bytes of all that a node publishes, as JSON. */
export const DOCUMENT_MAX = 256 * 1024

/** partOf: what a peer publishes under `name`; undefined: nothing, or nothing that this schema takes (another version). */
export function partOf<Schema extends z.ZodType>(
  view: PeerView,
  name: string,
  schema: Schema,
): z.output<Schema> | undefined {
  const read = schema.safeParse(view.parts[name])
  return read.success ? read.data : undefined
}

/** JsonRequest: a request in JSON, or in bytes; `reply` reads the answer, which is JSON. */
export interface JsonRequest<Reply extends z.ZodType> {
  readonly node: string
  readonly path: string
  readonly body: Json | Uint8Array
  readonly reply: Reply
  readonly timeoutMs: number
}

/** requestJson is `request` in JSON. Throws the same, PEER_ANSWER also for an answer that `reply` does not take. */
export async function requestJson<Reply extends z.ZodType>(
  peers: Peers,
  { node, path, body, reply, timeoutMs }: JsonRequest<Reply>,
): Promise<z.output<Reply>> {
  const bytes = body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body))
  const answer = await peers.request(node, path, bytes, timeoutMs)
  return readJson(answer, reply, 'PEER_ANSWER', `${path} of ${node}`)
}

/** handleJson is `handle` in JSON; a body that `schema` does not take is answered with PEER_REQUEST. */
export function handleJson<Schema extends z.ZodType>(
  peers: Peers,
  path: string,
  schema: Schema,
  handler: (from: string, body: z.output<Schema>) => Promise<Json>,
  options?: HandleOptions,
): Disposable {
  const answer: Handler = async (from, body) => {
    const read = readJson(body, schema, 'PEER_REQUEST', `${path} from ${from}`)
    return Buffer.from(JSON.stringify(await handler(from, read)))
  }
  return peers.handle(path, answer, options)
}

function readJson<Schema extends z.ZodType>(
  bytes: Uint8Array,
  schema: Schema,
  code: 'PEER_ANSWER' | 'PEER_REQUEST',
  op: string,
): z.output<Schema> {
  try {
    return schema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')))
  } catch (cause) {
    const detail = `what came is not what this version understands: ${firstLine(cause)}`
    throw new TenbinError(code, op, { detail, cause })
  }
}

function firstLine(cause: unknown): string {
  const issue = (cause as z.ZodError).issues?.[0]
  if (issue) return [...issue.path, issue.message].join(': ')
  return (cause as Error).message.split('\n')[0]!
}
