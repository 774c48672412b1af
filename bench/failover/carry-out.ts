// All failures of one interval: contenders take turns in each round, in the other order every time, each alone on the machine
// and begun anew: what one of them does when it is disturbed would disturb the other (two keepalived that resume at 10 ms
// keep a CPU for 40 ms). Several lanes at a time, where so much happens so seldom that they do not meet. While the machine
// itself stands still nothing can be told: such a failure is brought about again, and counted.

import { keepalived } from './keepalived.ts'
import { isBlind, type Measured, type Told } from './rows.ts'
import { Scene } from './scene.ts'
import { CAUSES, type Cause, type Contender } from './setting.ts'
import { tenbin } from './tenbin.ts'

const contenders: Readonly<Record<string, Contender>> = { tenbin, keepalived }

/** AGAIN: so often one is brought about again at most. */
const AGAIN = 3

/** Plan: how often, at which interval, and how many lanes. */
export interface Plan {
  readonly advert: string
  readonly advertMs: number
  readonly runs: number
  readonly lanes: number
}
/** carryOut: of all contenders and causes. Throws where nobody takes over. */
export async function carryOut({ advert, advertMs, runs, lanes }: Plan): Promise<readonly Measured[]> {
  const failures = new Map<string, Told[]>()
  const round = async (run: number, who: string, contender: Contender): Promise<void> => {
    const phaseMs = ((run + 0.5) / runs) * advertMs
    const failAll = async (causes: readonly Cause[], again: number): Promise<void> => {
      await using scene = await Scene.begin(contender, advertMs)
      for (const cause of causes) {
        const failure = { ...(await scene.fail(cause, phaseMs)), again }
        if (isBlind(failure) && again < AGAIN) {
          // In a scene of its own: a node that takes over again and again would hold back.
          blind.push(cause)
          continue
        }
        const key = `${who} ${cause}`
        // Other lanes add theirs meanwhile.
        failures.set(key, [...(failures.get(key) ?? []), failure])
      }
    }
    const blind: Cause[] = []
    await failAll(CAUSES, 0)
    for (let again = 1; blind.length > 0; again++) await failAll(blind.splice(0), again)
  }
  const lane = async (first: number): Promise<void> => {
    for (let run = first; run < runs; run += lanes) {
      const all = Object.entries(contenders)
      for (const [who, contender] of run % 2 === 0 ? all : all.toReversed()) await round(run, who, contender)
    }
  }
  await Promise.all(Array.from({ length: lanes }, (_, first) => lane(first)))
  return Object.keys(contenders).flatMap((who) =>
    CAUSES.map((cause: Cause) => ({ who, advert, cause, failures: failures.get(`${who} ${cause}`)! })),
  )
}
