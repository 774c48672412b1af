// What a spec's defence is for the packet path: the shape, which decides the program, and the tables, which are written to
// its memory. Names become numbers here. Pure.

import type { BannedPrefix, DefenceShape, DefenceTables } from '../dataplane/defence-shape.ts'
import type { ServiceDefence } from './defence-spec.ts'
import type { EngineSpec } from './engine.ts'

/** PROVEN_SOURCES: so many have room that have proved themselves: 512 KiB, which a CPU's own cache holds. */
const PROVEN_SOURCES = 2 ** 16
/** METERED_SOURCES: so many have room that are limited, and as many that are banned: 512 KiB each. */
const METERED_SOURCES = 2 ** 16
/** KNOWN_FLOWS: of UDP, so many have room that ceilings do not count any more: 512 KiB. */
const KNOWN_FLOWS = 2 ** 16
/** MOST_BANS: by hand, at a time. */
export const MOST_BANS = 2_048
/** LISTED_LEAST: prefixes that the tries have room for at least. */
const LISTED_LEAST = 4_096

/** Numbered: services by index; undefined: nobody has that number. */
type Services = readonly ({ readonly name: string; readonly at: number } | undefined)[]

/** defenceShapeOf a spec; undefined: it defends nothing. */
export function defenceShapeOf(
  { defence, services }: Pick<EngineSpec, 'defence' | 'services'>,
  numbered: Services,
): DefenceShape | undefined {
  if (!defence) return undefined
  const { rules, allow, deny, proof, sources, ceiling } = defence
  const indexOf = new Map(numbered.flatMap((each, index) => (each ? [[each.name, index] as const] : [])))
  // twice the bans: new ones are put in before old ones are taken out
  const listed = Math.max(LISTED_LEAST, allow.length + deny.length + 2 * MOST_BANS)
  const limited = sources && (sources.newPerS !== undefined || sources.udpPerS !== undefined)
  const isCountedUdp = services.some(
    (each) =>
      (ceiling ?? each.defence?.ceiling) !== undefined &&
      each.listeners.some(({ protocol }) => protocol === 'udp'),
  )
  return {
    rules: rules.map(({ match, action, perSecond, record, services: of }) => ({
      match,
      action,
      record,
      ...(perSecond !== undefined && { perSecond }),
      ...(of && { services: of.flatMap((name) => indexOf.get(name) ?? []) }),
    })),
    // a step of the size, so that a list that grows a little keeps its tries
    lists: { entries: 2 ** Math.ceil(Math.log2(listed)) },
    ...(proof && { proof: { sources: PROVEN_SOURCES } }),
    ...(limited && {
      sources: {
        prefix: sources.prefix,
        prefix6: sources.prefix6,
        new: sources.newPerS !== undefined,
        udp: sources.udpPerS !== undefined,
        ban: sources.banS !== undefined && proof !== undefined,
        entries: METERED_SOURCES,
      },
    }),
    ceilings: ceiling !== undefined || services.some((each) => each.defence?.ceiling !== undefined),
    ...(isCountedUdp && { known: { flows: KNOWN_FLOWS } }),
  }
}

/** ToldDefence: what is said beside the spec: bans by hand, and of services what comes before what the spec says. */
export interface ToldDefence {
  readonly bans: readonly BannedPrefix[]
  readonly services: ReadonlyMap<string, ServiceDefence>
}

/** defenceTablesOf a spec; undefined: it defends nothing. */
export function defenceTablesOf(
  { defence, services }: EngineSpec,
  numbered: Services,
  told: ToldDefence,
): DefenceTables | undefined {
  if (!defence) return undefined
  const { allow, deny, only, ceiling = 0, proof, sources } = defence
  return {
    allow,
    deny,
    bans: told.bans,
    only,
    ceiling,
    services: numbered.map((each) => {
      const said = each && (told.services.get(each.name) ?? services[each.at]!.defence)
      return { ceiling: said?.ceiling ?? 0, proof: said?.proof ?? 'auto' }
    }),
    ...(proof && { proof }),
    ...(sources && {
      sources: { newPerS: sources.newPerS ?? 0, udpPerS: sources.udpPerS ?? 0, banS: sources.banS ?? 0 },
    }),
  }
}
