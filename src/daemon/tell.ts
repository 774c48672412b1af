// What the controller's loop tells as events, in words: applies, refusals, servers found and lost on the link.

import { formatIp } from '../base/addresses.ts'
import type { Applied, Neighbour } from '../engine/engine.ts'
import type { EventSink } from '../events/event.ts'
import type { Problem } from './api-schema.ts'
import type { Log } from './log.ts'
import type { UsedPool } from './overrides.ts'
import { problemText } from './problem.ts'
import type { Server } from './server-neighbours.ts'

/** Teller: where words go: events, and lines of the log that are no change of state. */
interface Teller {
  readonly events: EventSink
  readonly log: Log
}

/** tellApplied: `node.applied` a file, or `node.healed` what had been changed by others. */
export function tellApplied(
  { events, log }: Teller,
  kind: 'node.applied' | 'node.healed',
  { change, generation, instructions, loadMs, notes }: Applied,
  text: string,
  cause: string,
): void {
  const severity = kind === 'node.applied' ? 'info' : 'warning'
  events.record({ kind, severity, text, data: { cause, change, generation, instructions, loadMs } })
  for (const note of notes) log.info({ cause }, note)
}

/** tellRefused: one event, which says what is wrong of the file first, and a line for each of the others. */
export function tellRefused(
  { events, log, file }: Teller & { readonly file: string },
  cause: string,
  problems: readonly Problem[],
): void {
  const textOf = (each: Problem) =>
    `not applied: ${each.file === undefined ? `${file}: ` : ''}${problemText(each)}`
  const [first, ...others] = problems
  if (!first) return
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`
  events.record({
    kind: 'node.refused',
    severity: 'error',
    text: `${textOf(first)}${more}`,
    data: { cause, code: first.code, problems: problems.length },
  })
  for (const each of others) log.error({ cause, code: each.code }, textOf(each))
}

/** tellNeighbour: a server that answers on the link, or no longer does. */
export function tellNeighbour(
  { events }: Teller,
  server: Server,
  neighbour: Neighbour,
  services: readonly string[],
): void {
  const about = { server: server.name, services }
  const who = serverText(server)
  events.record(
    'mac' in neighbour
      ? {
          ...{ kind: 'server.found', severity: 'notice', ...about, interface: neighbour.on },
          text: `${who} is at ${neighbour.mac} on ${neighbour.on}`,
          data: { mac: neighbour.mac },
        }
      : { kind: 'server.lost', severity: 'warning', ...about, text: `${who} is unusable: ${neighbour.why}` },
  )
}

/** serverText: `server web03 192.168.8.13`. */
export const serverText = ({ name, address }: Server): string => `server ${name} ${formatIp(address)}`

/** servicesOf a server: those whose pools have it. */
export const servicesOf = (pools: readonly UsedPool[], server: string): string[] =>
  pools.flatMap(({ members, services }) => (members.some((each) => each.server === server) ? services : []))
