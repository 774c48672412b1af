// The commands about servers, as changes of the list of overrides: drain, undrain, disable, enable, weight. The last
// word counts. Said of all pools it takes back what was said of single ones; said of one, it stands against all. What
// says no more than the file is left out of the list. Pure.

import { type Order, type Override, standingOf, type UsedPool, weighedOf } from './overrides.ts'

/** Command: what an operator wants. */
export type Command =
  | { readonly kind: 'drain'; readonly deadline?: number }
  | { readonly kind: 'undrain' }
  | { readonly kind: 'disable' }
  | { readonly kind: 'enable' }
  | { readonly kind: 'weight'; readonly weight: number }

/** Target: whom a command is about: a server, and the pools that are meant; all that have it, or that of `service`. */
export interface Target {
  readonly server: string
  readonly service?: string
  readonly pools: readonly UsedPool[]
}

/** Undone: whether an order may be undone by a command, and which command does it. */
const undoneBy = {
  undrain: ({ order }: { readonly order: Order }) => order === 'drained',
  enable: ({ order, isOverdue }: { readonly order: Order; readonly isOverdue: boolean }) =>
    order === 'disabled' || isOverdue,
} as const

/**
 * obstacle: why a command undoes nothing though there is something to undo: what the server is instead, and the command
 * for that; undefined where it does, or where there is nothing at all.
 */
export function obstacle(
  overrides: readonly Override[],
  { server, pools }: Target,
  kind: 'undrain' | 'enable',
  now: number,
): { readonly order: 'drained' | 'disabled'; readonly remedy: 'undrain' | 'enable' } | undefined {
  const standings = pools.map(({ services }) => standingOf(overrides, server, services, now))
  if (standings.some(undoneBy[kind])) return undefined
  const other = standings.find(({ order }) => order !== 'ready')
  if (!other) return undefined
  return kind === 'undrain'
    ? { order: 'disabled', remedy: 'enable' }
    : { order: 'drained', remedy: 'undrain' }
}

/** ordered: the list after a command. The same list where nothing is different. */
export function ordered(
  overrides: readonly Override[],
  target: Target,
  command: Command,
  now: number,
): readonly Override[] {
  const { server, service, pools } = target
  const others = overrides.filter((each) => each.server !== server)
  const about = overrides.filter((each) => each.server === server)
  const all = about.find((each) => each.service === undefined)
  const singles = about.filter((each) => each.service !== undefined)
  const bare: Override = { server, since: now }
  const next =
    service === undefined
      ? forAll(all ?? bare, singles, command, pools, now)
      : forOne(all, singles, { ...bare, service }, command, pools[0]!, now)
  const meant = next.filter((each) => saysMore(each, next))
  return same(about, meant) ? overrides : [...others, ...meant]
}

function forAll(
  all: Override,
  singles: readonly Override[],
  command: Command,
  pools: readonly UsedPool[],
  now: number,
): Override[] {
  const { server } = all
  switch (command.kind) {
    case 'drain':
    case 'disable':
      return [withOrder(all, orderOf(command), now), ...singles.map(withoutOrder)]
    case 'undrain':
    case 'enable': {
      const undo = (each: Override): Override => {
        const { order = 'ready', deadline = Infinity } = each
        const isOverdue = order === 'drained' && deadline <= now
        return undoneBy[command.kind]({ order, isOverdue }) ? withoutOrder(each) : each
      }
      return [undo(all), ...singles.map(undo)]
    }
    case 'weight': {
      const isFile = pools.every((pool) => command.weight >= configured(pool, server))
      const { weight: _, ...rest } = all
      return [isFile ? rest : { ...rest, weight: command.weight, since: now }, ...singles.map(withoutWeight)]
    }
  }
}

function forOne(
  all: Override | undefined,
  singles: readonly Override[],
  bare: Override,
  command: Command,
  pool: UsedPool,
  now: number,
): Override[] {
  const isHere = ({ service }: Override) => pool.services.includes(service!)
  const elsewhere = [...(all ? [all] : []), ...singles.filter((each) => !isHere(each))]
  // Services that share the pool share what was said of any of them; the last word counts.
  const here = singles.filter(isHere).sort((a, b) => a.since - b.since)
  const before: Override = Object.assign({}, bare, ...here, { service: bare.service })
  switch (command.kind) {
    case 'drain':
    case 'disable':
      return [...elsewhere, withOrder(before, orderOf(command), now)]
    case 'undrain':
    case 'enable':
      if (!undoneBy[command.kind](standingOf([...elsewhere, before], bare.server, pool.services, now)))
        return [...elsewhere, before]
      return [...elsewhere, all?.order ? withOrder(before, { order: 'ready' }, now) : withoutOrder(before)]
    case 'weight': {
      const isFile = command.weight >= configured(pool, bare.server) && all?.weight === undefined
      return [
        ...elsewhere,
        isFile ? withoutWeight(before) : { ...before, weight: command.weight, since: now },
      ]
    }
  }
}

interface Ordered {
  readonly order: Order
  readonly deadline?: number
}

const orderOf = (command: Command & { readonly kind: 'drain' | 'disable' }): Ordered =>
  command.kind === 'disable'
    ? { order: 'disabled' }
    : { order: 'drained', ...(command.deadline !== undefined && { deadline: command.deadline }) }

/** A drain that goes on keeps its beginning; its deadline is the one said last. */
const withOrder = (each: Override, ordered: Ordered, now: number): Override => ({
  ...withoutOrder(each),
  ...ordered,
  since: each.order === ordered.order ? each.since : now,
})

function withoutOrder({ order: _, deadline: __, ...rest }: Override): Override {
  return rest
}

function withoutWeight({ weight: _, ...rest }: Override): Override {
  return rest
}

export const configured = (pool: UsedPool, server: string): number =>
  weighedOf(pool).find((each) => each.server === server)?.weight ?? 0

/** saysMore: without it something would be different. */
function saysMore({ service, order, weight }: Override, list: readonly Override[]): boolean {
  if (weight !== undefined) return true
  if (order === undefined) return false
  if (order !== 'ready') return true
  return service !== undefined && list.some((each) => each.service === undefined && each.order !== undefined)
}

const same = (a: readonly Override[], b: readonly Override[]): boolean =>
  JSON.stringify(a.map(sorted).sort()) === JSON.stringify(b.map(sorted).sort())

const sorted = (each: Override): string => JSON.stringify(Object.entries(each).sort())
