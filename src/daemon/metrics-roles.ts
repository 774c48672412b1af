// Metrics of address sets and of the process that moves them. Pure.

import { LATENESS_BOUNDS } from '../vrrp/protocol.ts'
import type { Status } from './api-schema.ts'
import { bit, one, type Samples } from './metric-samples.ts'

const BOUNDS = LATENESS_BOUNDS.map((ms) => ms / 1000)

/** roleSamples: of all address sets; of those that move, what vrrp says. */
export function roleSamples({ sets, vrrp, maintenance }: Status): Samples {
  const known = sets.flatMap(({ name, role }) => (role === undefined ? [] : [{ set: name, role }]))
  const moving = sets.flatMap(({ name: set, failover }) =>
    failover?.priority === undefined ? [] : [{ set, ...failover, priority: failover.priority }],
  )
  const sum = (counts: Readonly<Record<string, number>>) =>
    Object.values(counts).reduce((total, count) => total + count, 0)
  return {
    tenbin_role: known.map((labels) => ({ labels, value: 1 })),
    tenbin_role_active: known.map(({ set, role }) => ({ labels: { set }, value: bit(role === 'active') })),
    ...(vrrp && {
      tenbin_role_priority: moving.map(({ set, priority }) => ({ labels: { set }, value: priority })),
      tenbin_role_faults: moving.map(({ set, faults }) => ({ labels: { set }, value: faults.length })),
      tenbin_role_takeovers: moving.map(({ set, counters }) => ({
        labels: { set },
        value: counters.takeovers ?? 0,
      })),
      tenbin_vrrp_adverts: moving.flatMap(({ set, counters, refused }) =>
        Object.entries({
          sent: counters.sent ?? 0,
          received: counters.received ?? 0,
          refused: sum(refused),
          unsent: counters.unsent ?? 0,
        }).map(([what, value]) => ({ labels: { set, what }, value })),
      ),
      tenbin_vrrp_lateness_seconds: moving.flatMap(({ set, lateness }) =>
        lateness
          ? [{ labels: { set }, ...{ bounds: BOUNDS, counts: lateness.counts, sum: lateness.sumMs / 1000 } }]
          : [],
      ),
      tenbin_vrrp_up: one(bit(vrrp.state === 'present')),
      tenbin_vrrp_ends: one(vrrp.ends),
    }),
    ...(sets.some(({ failover }) => failover) && { tenbin_maintenance: one(bit(maintenance !== undefined)) }),
  }
}
