// How long flows are remembered, from the file's time-outs: a pool's changes are young as long as any flow of its
// services may be silent and still go on; records are swept by the time-outs of their own service. A record does not
// say its protocol: of a service with listeners of both, the longer time-out counts.

import { ticksOf } from '../dataplane/flow-clock.ts'
import { FLOW } from '../dataplane/flow-record.ts'
import type { Clock, Timeouts } from '../dataplane/shape.ts'
import type { EngineSpec } from './engine.ts'
import type { Plan } from './plan.ts'
import type { Lives } from './pool-slots.ts'

type Service = EngineSpec['services'][number]

const isTracked = ({ track }: Service): boolean => track !== 'none'
const has = ({ listeners }: Service, protocol: 'tcp' | 'udp'): boolean =>
  listeners.some((listener) => listener.protocol === protocol)

/** longestIdle: of each time-out the longest that a tracked service has; undefined: none is tracked. */
export function longestIdle({ services }: EngineSpec): Timeouts | undefined {
  const tracked = services.filter(isTracked)
  if (tracked.length === 0) return undefined
  const longest = (of: keyof Timeouts) =>
    tracked.reduce((max, { timeouts }) => Math.max(max, timeouts[of]), 0)
  return {
    syn: longest('syn'),
    // a network's record is no older than any flow's that must not make way
    established: Math.max(
      longest('established'),
      ...tracked.map(({ persistence }) => persistence?.timeout ?? 0),
    ),
    fin: longest('fin'),
    udp: longest('udp'),
  }
}

/** livesOf: for each pool of a plan; undefined where none of its services is tracked. */
export function livesOf({
  pools,
  services,
  spec,
}: Pick<Plan, 'pools' | 'services' | 'spec'>): (Lives | undefined)[] {
  const users: Service[][] = pools.map(() => [])
  for (const each of services) if (each) users[each.pool]!.push(spec.services[each.at]!)
  return users.map((all): Lives | undefined => {
    const tracked = all.filter(isTracked)
    if (tracked.length === 0) return undefined
    const learn = Math.max(
      0,
      ...tracked.filter((each) => has(each, 'udp')).map(({ timeouts }) => timeouts.udp),
    )
    const tcp = tracked
      .filter((each) => has(each, 'tcp'))
      .map(({ timeouts: { syn, established, fin } }) => Math.max(syn, established, fin))
    return { young: 1_000 * Math.max(learn, ...tcp), learn: 1_000 * learn }
  })
}

/** networkTicks: by service, after so many ticks of silence a network's record goes; 0 where none is kept. */
export const networkTicks = (
  { services, spec }: Pick<Plan, 'services' | 'spec'>,
  clock: Clock,
): Uint32Array =>
  Uint32Array.from(services, (planned) => {
    const timeout = planned && spec.services[planned.at]!.persistence?.timeout
    return timeout === undefined ? 0 : ticksOf(clock, timeout)
  })

/** idleTicks: [4 * service + state]: after so many ticks of silence a record goes; 0 for services without records. */
export function idleTicks({ services, spec }: Pick<Plan, 'services' | 'spec'>, clock: Clock): Uint32Array {
  const ticks = new Uint32Array(4 * services.length)
  for (const [index, planned] of services.entries()) {
    const service = planned && spec.services[planned.at]!
    if (!service || !isTracked(service)) continue
    const { syn, established, fin, udp } = service.timeouts
    const long = Math.max(has(service, 'tcp') ? established : 0, has(service, 'udp') ? udp : 0)
    ticks[4 * index + FLOW.closed] = ticksOf(clock, fin)
    ticks[4 * index + FLOW.syn] = ticksOf(clock, syn)
    ticks[4 * index + FLOW.established] = ticksOf(clock, long)
  }
  return ticks
}

/**
 * keepsOf: by service, 1 where `track: all` has connections keep their server beyond their time-out. Not where connections
 * are counted to pick servers: one that is dead would count for ever. Not where there is UDP: its flows have no end.
 */
export function keepsOf({ services, spec }: Pick<Plan, 'services' | 'spec'>): Uint8Array {
  return Uint8Array.from(services, (planned) => {
    const service = planned && spec.services[planned.at]!
    return service?.track === 'all' && !service.scheduler && !has(service, 'udp') ? 1 : 0
  })
}
