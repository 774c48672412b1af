// What a check of any kind is: a function that looks at a server once and says what it found. Its idea: a checker holds
// no state and no timer; it takes a Look, which owns what the checker opens, knows how long it may take and what it is
// doing, and ends all of it when the time is over. So every kind comes to its verdict in time, by construction.
// Left out: when to look (rota.ts), what follows from it (machine.ts).

import type { Ip } from '../base/addresses.ts'
import type { SocketRoute } from '../sys/socket-route.ts'
import type { Look } from './look.ts'

/** Target: where to look, and which way to go there. `port` is 0 of kinds that have none. */
export interface Target extends Omit<SocketRoute, 'port'> {
  readonly address: Ip
  readonly port: number
  /** The server that is to answer, where `address` is a service's (`via: service`). */
  readonly server?: Ip
}

/** routeOf a target that is the server's own address. */
export const routeOf = ({ source, mark, interface: nic }: Target): SocketRoute => ({
  ...(source !== undefined && { source }),
  ...(mark !== undefined && { mark }),
  ...(nic !== undefined && { interface: nic }),
})

/** Report: what a server says of itself; all that is absent it did not say. */
export interface Report {
  /** Its weight: a share of the one in the file (1 = as it is there), or another one. */
  readonly share?: number
  readonly weight?: number
  /** Nothing new for it. */
  readonly isDraining?: boolean
}

/**
 * Verdict: what one look found, in words for people: `as expected`, `connect: refused`. Outcome `none`: nothing, for a
 * reason of our own (no descriptors left, a source address that is gone, a bug), which must not be held against a server.
 */
export interface Verdict {
  readonly outcome: 'good' | 'bad' | 'none'
  readonly text: string
  readonly report?: Report
  /** Nothing wrong yet: a certificate that expires soon. */
  readonly warning?: string
}

/** Finding: a verdict, and how long it took. */
export interface Finding extends Verdict {
  readonly latencyMs: number
}

/**
 * Checker: looks once. What it throws as TenbinError (CHECK_FAILED, a SyscallError) is a bad verdict; anything else is
 * a bug, and no verdict of the server. It closes nothing by itself that the look owns.
 */
export type Checker = (look: Look) => Promise<Verdict>

export const good = (text: string, report?: Report): Verdict => verdict('good', text, report)
export const bad = (text: string, report?: Report): Verdict => verdict('bad', text, report)

const verdict = (outcome: Verdict['outcome'], text: string, report?: Report): Verdict =>
  report === undefined ? { outcome, text } : { outcome, text, report }
