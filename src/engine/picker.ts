// How much room a scheduler that counts needs, and what is said of weights that it cannot keep exactly.

import type { PickerShape } from '../dataplane/shape.ts'
import { MAX_TURNS, rotation } from '../schedule/rotation.ts'
import type { EngineSpec } from './engine.ts'

type Service = EngineSpec['services'][number]
type Pool = EngineSpec['pools'][number]
type Members = Pool['members']

const sum = (members: Members): number => members.reduce((total, { weight }) => total + weight, 0)

/**
 * pickerOf a service, with its pool; undefined where its slots pick. Weights are lowered at run time, never raised: then
 * turns may have no divisor in common any more, but they are never more than the weights' sum. Members and sorry servers
 * never have turns together.
 */
export function pickerOf(
  { scheduler: kind }: Service,
  { members, sorry = [] }: Pick<Pool, 'members' | 'sorry'>,
): PickerShape | undefined {
  if (!kind) return undefined
  if (kind !== 'wrr') return { kind, room: members.length + sorry.length }
  return { kind, room: Math.min(MAX_TURNS, Math.max(1, sum(members), sum(sorry))) }
}

/** scaledWeights: a sentence for each service whose weights make more turns than there is room for. */
export function scaledWeights({ services, pools }: EngineSpec): string[] {
  return services.flatMap(({ name, scheduler, pool }) => {
    if (scheduler !== 'wrr') return []
    const { members } = pools.find((each) => each.name === pool)!
    const { error } = rotation(
      'wrr',
      members.map(({ weight }) => weight),
    )
    if (error === 0) return []
    const percent = Math.ceil(error * 1_000) / 10
    return [
      `service ${name}: the weights of pool ${pool} make more than ${MAX_TURNS} turns: they are scaled, and a server may get ${percent} % more or less than its part`,
    ]
  })
}
