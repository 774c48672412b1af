// Why a request to a peer came to nothing, in words that say at which step and what to look at: no connection, no TLS,
// another node than was meant, no answer in time.

import { type Endpoint, formatEndpoint, formatIp, type Ip } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'

/** Way: from which of our addresses to which of theirs. */
export interface Way {
  readonly from: Ip
  readonly to: Endpoint
}

/** Late: time was over; `isConnected`: TCP was there. */
export class Late extends Error {
  readonly ms: number
  readonly isConnected: boolean

  constructor(ms: number, isConnected = false) {
    super(`no answer within ${ms} ms`)
    this.ms = ms
    this.isConnected = isConnected
  }
}

/** Broken: a connection that ended within its handshake. */
export class Broken extends Error {
  readonly reason: Error

  constructor(reason: Error) {
    super(reason.message)
    this.reason = reason
  }
}

/** Other: a handshake that is done, with somebody else than was meant; the message says who. */
export class Other extends Error {}

/** Asked: what of whom; `isSent`: a connection was there to send it by. */
export interface Asked {
  readonly op: string
  readonly node: string
  readonly way: Way
  readonly isSent: boolean
}

/** failureOf a request: PEER_TIMEOUT, PEER_REFUSED or PEER_UNREACHABLE. */
export function failureOf(cause: Error, { op, node, way, isSent }: Asked): TenbinError {
  const at = formatEndpoint(way.to)
  const from = formatIp(way.from)
  const unreachable = (detail: string) => new TenbinError('PEER_UNREACHABLE', op, { detail, cause })
  const refused = (detail: string) => new TenbinError('PEER_REFUSED', op, { detail, cause })
  if (cause instanceof Other) return refused(cause.message)
  if (cause instanceof Late) {
    const detail = `no answer within ${cause.ms} ms`
    if (isSent) return new TenbinError('PEER_TIMEOUT', op, { detail, cause })
    if (cause.isConnected) return unreachable(`${at} takes connections and says nothing: ${node} hangs`)
    return unreachable(`no answer from ${at}: ${node} is down, or a filter is between`)
  }
  const { code = '' } = (cause instanceof Broken ? cause.reason : cause) as NodeJS.ErrnoException
  if (code.startsWith('ERR_SSL')) return refused(`what answers at ${at} is no node of this version: ${code}`)
  // The door of the other end (door.ts) resets it, before or after connect(2) has seen it open.
  if (cause instanceof Broken || (!isSent && code === 'ECONNRESET'))
    return unreachable(`${at} takes no connection from ${from}: is that this node's address in its file?`)
  return unreachable(words[code]?.(at, from) ?? `the connection to ${at} broke: ${cause.message}`)
}

const words: Readonly<Record<string, (at: string, from: string) => string>> = {
  ECONNREFUSED: (at) => `nobody listens at ${at}: its daemon is not running, or has no keys of a cluster`,
  EHOSTUNREACH: (at) => `no way to ${at}: nobody has that address on the network`,
  ENETUNREACH: (at) => `no route to ${at}`,
  EADDRNOTAVAIL: (_, from) => `this machine does not have ${from}, its own address in the file`,
}
