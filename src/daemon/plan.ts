// What a file would change, from what runs now: what `tenbin plan` asks for. Nothing is touched.

import type { DesiredState } from '../config/state.ts'
import type { EngineStatus } from '../engine/engine.ts'
import { actionsOf } from '../revisions/plan-actions.ts'
import { movesOf, type Now } from '../revisions/plan-moves.ts'
import type { PlanAnswer } from './api-revisions.ts'

/** planOf: `before` and `engine` absent: nothing runs. `base`: the id of the revision that counts. */
export function planOf(
  before: DesiredState | undefined,
  after: DesiredState,
  engine: EngineStatus | undefined,
  base: string | undefined,
): PlanAnswer {
  return {
    ...(base !== undefined && { base }),
    actions: actionsOf(before, after),
    moves: before && engine ? movesOf(before, after, nowOf(engine)) : [],
  }
}

function nowOf({ pools, services }: EngineStatus): Now {
  return {
    pools: new Map(
      pools.map(({ name, isSorry, servers }) => [
        name,
        {
          isSorry,
          servers: new Map(
            servers.map(({ name: server, state, weight, configured, flows }) => [
              server,
              { weight: state === 'up' ? weight : 0, configured, flows },
            ]),
          ),
        },
      ]),
    ),
    flows: new Map(services.map(({ name, flows }) => [name, flows])),
  }
}
