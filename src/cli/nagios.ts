// A status as Nagios and its kin take it: one line, and a number of 0 to 3. (Monitoring Plugins Development Guidelines,
// "Plugin Output for Nagios": text, a bar, performance data `label=value;warn;crit;min;max`.) Pure.

import type { Status } from '../daemon/api-schema.ts'
import { byServer, type InPool } from './by-server.ts'
import { cutEnd } from './columns.ts'
import { type ServiceCondition, serverCondition, serviceConditions, TROUBLE } from './condition.ts'

/** nagiosCodes: what a plugin ends with. */
export const nagiosCodes = { OK: 0, WARNING: 1, CRITICAL: 2, UNKNOWN: 3 } as const
export type NagiosState = keyof typeof nagiosCodes

/** Verdict: how it is, and the line that says so. */
export interface Verdict {
  readonly state: NagiosState
  readonly line: string
}

/** Causes that are named; of others only how many they are. */
const NAMED = 5
/** A cause is cut to so many characters: what reads these lines often takes no more than 1024. */
const LONGEST = 120

/** nagiosVerdict: of all services, or of one. */
export function nagiosVerdict(status: Status, service?: string): Verdict {
  if (status.state === 'waiting') {
    const why = status.problems.map(({ message }) => message)
    return verdict('CRITICAL', ['nothing is applied yet', ...why])
  }
  const services = serviceConditions(status).filter(({ name }) => service === undefined || name === service)
  if (services.length === 0) return verdict('UNKNOWN', [`there is no service ${service}`])
  const servers = serversOf(status, service)
  const outages = services.filter(({ trouble }) => trouble === TROUBLE.outage)
  const warnings = [
    ...servers.flatMap(({ name, cause }) => (cause === undefined ? [] : [`${name} ${cause}`])),
    ...(status.flood?.incidents ?? [])
      .filter((each) => service === undefined || each.service === service)
      .map(({ text }) => text),
    ...services.filter(hasDoubt).map(({ name, why }) => `${name}: ${why}`),
    ...status.problems.map(({ message }) => message),
  ]
  const causes = [...outages.map(({ name, why }) => `${name}: ${why}`), ...warnings]
  const up = servers.filter(({ isUp }) => isUp).length
  const counts = `${services.length} ${services.length === 1 ? 'service' : 'services'}, ${up} of ${servers.length} servers up`
  const isSplit = status.problems.some(({ code }) => code === 'SPLIT_BRAIN')
  const state = outages.length > 0 || isSplit ? 'CRITICAL' : warnings.length > 0 ? 'WARNING' : 'OK'
  return verdict(state, [counts, ...causes], performance(services, up, servers.length, status, service))
}

/** unknownVerdict: nothing can be said, and why. */
export const unknownVerdict = (why: string): Verdict => verdict('UNKNOWN', [why])

interface Counted {
  readonly name: string
  readonly isUp: boolean
  /** What is wrong with it, where it is down. */
  readonly cause?: string
}

/** serversOf: each once; up: in all pools that have it. */
function serversOf(status: Status, service: string | undefined): Counted[] {
  const unreachable = new Map(status.servers.map(({ name, why }) => [name, why]))
  return [...byServer(status)].flatMap(([name, pools]) => {
    const meant = pools
      .filter(({ services }) => service === undefined || services.includes(service))
      .filter(({ server }) => server.state !== 'off' && !server.sorry)
    if (meant.length === 0) return []
    const lost = unreachable.get(name)
    const isUp = lost === undefined && meant.every(({ server }) => server.state === 'up')
    const cause = lost === undefined ? downIn(meant) : `down: ${lost}`
    return [{ name, isUp, ...(cause !== undefined && { cause }) }]
  })
}

/** downIn: in which services a server is down, and why. */
function downIn(pools: readonly InPool[]): string | undefined {
  const down = pools
    .map(({ services, server }) => ({ services, ...serverCondition(server) }))
    .filter(({ trouble }) => trouble === TROUBLE.down)
  const [first] = down
  if (!first) return undefined
  const services = down.flatMap(({ services }) => services).join(', ')
  return `down in ${services}${first.why === '' ? '' : `: ${first.why}`}`
}

const hasDoubt = ({ trouble }: ServiceCondition): boolean => trouble === TROUBLE.doubt

function performance(
  services: readonly ServiceCondition[],
  up: number,
  servers: number,
  status: Status,
  service: string | undefined,
): string {
  const meant = status.services.filter(({ name }) => service === undefined || name === service)
  const sum = (of: (each: (typeof meant)[number]) => string) =>
    meant.reduce((total, each) => total + BigInt(of(each)), 0n)
  const well = services.filter(({ trouble }) => trouble < TROUBLE.outage).length
  return [
    `servers_up=${up};;;0;${servers}`,
    `services_up=${well};;;0;${services.length}`,
    `problems=${status.problems.length};;;0`,
    `packets=${sum(({ packets }) => packets)}c`,
    `bytes=${sum(({ bytes }) => bytes)}c`,
  ].join(' ')
}

function verdict(
  state: NagiosState,
  [first = '', ...causes]: readonly string[],
  performance?: string,
): Verdict {
  const named = [...new Set(causes)]
  const more = named.length > NAMED ? [`${named.length - NAMED} more`] : []
  const text = [first, ...named.slice(0, NAMED).map((cause) => cutEnd(cause, LONGEST)), ...more].join('; ')
  // A bar would begin the performance data, a line feed the long output.
  const clean = text.replace(/[|\r\n]+/g, ' ')
  return { state, line: `TENBIN ${state} - ${clean}${performance === undefined ? '' : ` | ${performance}`}` }
}
