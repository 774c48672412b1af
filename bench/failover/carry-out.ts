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
    /** All causes up to the last one that is asked for, so that each comes after the same ones as always; gives the blind ones. */
    const failAll = async (asked: ReadonlySet<Cause>, again: number): Promise<ReadonlySet<Cause>> => {
      await using scene = await Scene.begin(contender, advertMs)
      const blind = new Set<Cause>()
      for (const cause of CAUSES.slice(0, CAUSES.findLastIndex((each) => asked.has(each)) + 1)) {
        const failure = { ...(await scene.fail(cause, phaseMs)), again }
        if (!asked.has(cause)) continue
        if (isBlind(failure) && again < AGAIN) {
          blind.add(cause)
          continue
        }
        const key = `${who} ${cause}`
        // Other lanes add theirs meanwhile.
        failures.set(key, [...(failures.get(key) ?? []), failure])
      }
      return blind
    }
    let asked: ReadonlySet<Cause> = new Set(CAUSES)
    for (let again = 0; asked.size > 0; again++) asked = await failAll(asked, again)
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
