// The server with the least to do: LVS's lc, wlc, sed and nq. Each looks at every server's connections and picks the
// least of a cost; among equals the first in the servers' order. A server of weight 0 gets nothing new. Active are
// connections from their SYN on, inactive those that a FIN or RST has closed and that are not forgotten yet.
// References: net/netfilter/ipvs/ip_vs_{lc,wlc,sed,nq}.c, ip_vs_dest_conn_overhead in include/net/ip_vs.h
// (behaviour only).

/** LeastKind: lc the least overhead; wlc the least for its weight; sed with the new one counted; nq an idle one first. */
export type LeastKind = 'lc' | 'wlc' | 'sed' | 'nq'

/** Load: a server as these schedulers see it. */
export interface Load {
  readonly weight: number
  readonly active: number
  readonly inactive: number
}

/** ACTIVE_COST: how many inactive connections cost as much as an active one. */
export const ACTIVE_COST = 256

/** costOf: what a server's connections cost, before its weight is looked at. */
export const costOf = (kind: LeastKind, { active, inactive }: Load): number =>
  kind === 'sed' || kind === 'nq' ? active + 1 : active * ACTIVE_COST + inactive

/** leastLoaded: the index of the server that takes a new connection, or -1 when none has a weight. */
export function leastLoaded(kind: LeastKind, loads: readonly Load[]): number {
  let least = -1
  let leastCost = 0
  let leastWeight = 0
  for (const [i, load] of loads.entries()) {
    if (load.weight === 0) continue
    if (kind === 'nq' && load.active === 0) return i
    const weight = kind === 'lc' ? 1 : load.weight
    const cost = costOf(kind, load)
    // cost / weight < leastCost / leastWeight; products stay exact below 2^53
    if (least >= 0 && cost * leastWeight >= leastCost * weight) continue
    least = i
    leastCost = cost
    leastWeight = weight
  }
  return least
}
