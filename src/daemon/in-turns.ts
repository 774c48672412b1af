// Long work of the daemon, done in turns with everything else that it has to do: checks that fail, other nodes' words, records
// that expire are waited on for TURN_MS at most, whatever is asked for.

import { setImmediate as turn } from 'node:timers/promises'
import type { Steps } from '../base/steps.ts'

/** TURN_MS: how long one turn is, and a step of the work. */
export const TURN_MS = 5

/** Turns: `now` in ms of a clock that nobody sets; `turn` resolves when everything else has had its own. */
export interface Turns {
  readonly now: () => number
  readonly turn: () => Promise<unknown>
}

const machine: Turns = { now: () => performance.now(), turn: () => turn() }

/** inTurns does all of it, in turns. Rejects with what a step throws. */
export async function inTurns<Result>(steps: Steps<Result>, turns: Turns = machine): Promise<Result> {
  for (let began = turns.now(); ; ) {
    const { done, value } = steps.next()
    if (done) return value
    if (turns.now() - began < TURN_MS) continue
    await turns.turn()
    began = turns.now()
  }
}
