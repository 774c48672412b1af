// What a command about a server did, in the words of its answer: per pool what counts now, and what an operator ought
// to know beside. Pure.

import type { Changed, EngineStatus } from '../engine/engine.ts'
import type { OrderAnswer, Problem } from './api-schema.ts'
import { type Command, configured, type Target } from './orders.ts'
import { type Standing, type UsedPool, viewOf } from './overrides.ts'

/** Outcome: a command that was carried out. `before` and `after` are the target's standings, pool by pool. */
export interface Outcome {
  readonly command: Command
  readonly target: Target
  readonly before: readonly Standing[]
  readonly after: readonly Standing[]
  readonly changes: ReadonlyMap<string, Changed>
  /** Why it will not hold over a restart. */
  readonly unkept: readonly Problem[]
  readonly status: Pick<EngineStatus, 'pools'>
}

/** answerOf tells of it. */
export function answerOf(outcome: Outcome): OrderAnswer {
  const { target, before, after, changes, unkept } = outcome
  const { server, service, pools } = target
  const deadline = after.find((each) => each.order === 'drained' && each.deadline !== undefined)?.deadline
  return {
    server,
    ...(service !== undefined && { service }),
    changed: JSON.stringify(before) !== JSON.stringify(after),
    kept: unkept.length === 0,
    pools: pools.map((pool, i) => ({
      name: pool.name,
      services: [...pool.services],
      order: after[i]!.isOverdue ? 'disabled' : after[i]!.order,
      weight: Math.min(viewOf(after[i]!).weight ?? Infinity, configured(pool, server)),
      configured: configured(pool, server),
      slots: changes.get(pool.name)?.slots ?? 0,
    })),
    ...(deadline !== undefined && { deadline: new Date(deadline).toISOString() }),
    notes: [
      ...nothingNew(outcome),
      ...shared(target),
      ...clamped(outcome),
      ...(unkept.length > 0 ? [`it will not hold over a restart: ${unkept[0]!.message}`] : []),
      ...weights(outcome),
      ...pools.flatMap((pool) => [...aside(pool, outcome), ...emptied(pool, outcome)]),
    ],
  }
}

function nothingNew({ command, target: { server }, before, after }: Outcome): string[] {
  if (JSON.stringify(before) !== JSON.stringify(after)) return []
  const is = {
    drain: 'is drained already',
    disable: 'is disabled already',
    undrain: 'is not drained',
    enable: 'is not disabled',
    weight: 'has that weight already',
  }[command.kind]
  return [`${server} ${is}: nothing is different`]
}

function shared({ service, pools }: Target): string[] {
  const others =
    service === undefined ? [] : pools.flatMap(({ services }) => services.filter((each) => each !== service))
  if (others.length === 0) return []
  const [first, ...more] = others
  const who = more.length === 0 ? `${first} shares` : `${others.join(', ')} share`
  return [`${who} the pool with ${service}: it holds for ${more.length === 0 ? 'it' : 'them'} too`]
}

function clamped({ command, target: { server, pools } }: Outcome): string[] {
  if (command.kind !== 'weight') return []
  return pools
    .filter((pool) => command.weight > configured(pool, server))
    .map(
      (pool) =>
        `${command.weight} is above the file's weight in pool ${pool.name}: ${configured(pool, server)} counts`,
    )
}

/** Orders and weights do not touch each other: whoever forgot one is told. */
function weights({ command, target: { server, pools }, after }: Outcome): string[] {
  return pools.flatMap((pool, i) => {
    const { order, weight } = after[i]!
    const most = configured(pool, server)
    if (command.kind === 'weight')
      return order === 'ready'
        ? []
        : [`${server} is ${order} in pool ${pool.name}: the weight counts after that`]
    if (command.kind !== 'undrain' && command.kind !== 'enable') return []
    return order === 'ready' && weight !== undefined && weight < most
      ? [
          `its weight in pool ${pool.name} is ${weight} of ${most}: \`tenbin weight ${server} ${most}\` takes that back`,
        ]
      : []
  })
}

/** aside: what a sorry server is, to whoever named one; and that they answer now, to whoever took out another. */
function aside({ name, sorry = [] }: UsedPool, { target: { server }, status }: Outcome): string[] {
  if (sorry.some((each) => each.server === server))
    return [
      `${server} is a sorry server of pool ${name}: it gets something only when its servers cannot answer`,
    ]
  const pool = status.pools.find((each) => each.name === name)
  if (!pool?.isSorry) return []
  const answering = pool.servers.filter(({ isSorry, share }) => isSorry && share > 0)
  return [
    `too few servers of pool ${name} are left: ${answering.map((each) => each.name).join(', ')} answers as sorry server`,
  ]
}

function emptied({ name, services }: UsedPool, { status }: Outcome): string[] {
  const pool = status.pools.find((each) => each.name === name)
  if (!pool || pool.servers.some(({ share }) => share > 0)) return []
  return [`no server is left in pool ${name}: packets for ${services.join(', ')} are dropped as no-server`]
}
