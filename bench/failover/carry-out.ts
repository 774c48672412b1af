// All failures of one interval: contenders take turns in each round, in the other order every time, each alone on the machine
// and begun anew: what one of them does when it is disturbed would disturb the other (two keepalived that resume at 10 ms
// keep a CPU for 40 ms). Several lanes at a time, where so much happens so seldom that they do not meet; they begin and end
// together, since that is most of what disturbs. While the machine itself stands still nothing can be told: such a failure is
// brought about again, and counted.

import { Cleanup } from '../../src/daemon/cleanup.ts'
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

/** Asked: causes of one run, which have been blind so often. */
interface Asked {
  readonly run: number
  readonly causes: readonly Cause[]
}

/** carryOut: of all contenders and causes. Throws where nobody takes over. */
export async function carryOut({ advert, advertMs, runs, lanes }: Plan): Promise<readonly Measured[]> {
  const failures = new Map<string, Told[]>()
  /** All causes up to the last one that is asked for, so that each comes after the same ones as always; gives the blind ones. */
  const failAll = async (
    scene: Scene,
    who: string,
    { run, causes }: Asked,
    again: number,
  ): Promise<Asked> => {
    const blind: Cause[] = []
    for (const cause of CAUSES.slice(0, CAUSES.indexOf(causes.at(-1)!) + 1)) {
      const failure = { ...(await scene.fail(cause, ((run + 0.5) / runs) * advertMs)), again }
      if (!causes.includes(cause)) continue
      const key = `${who} ${cause}`
      if (isBlind(failure) && again < AGAIN) blind.push(cause)
      else failures.set(key, [...(failures.get(key) ?? []), failure])
    }
    return { run, causes: blind }
  }
  const round = async (first: number, who: string, contender: Contender): Promise<void> => {
    const count = Math.min(lanes, runs - first)
    let asked: readonly Asked[] = Array.from({ length: count }, (_, lane) => ({
      run: first + lane,
      causes: CAUSES,
    }))
    for (let again = 0; asked.length > 0; again++) {
      await using cleanup = new Cleanup()
      const begun = await Promise.allSettled(
        asked.map(async () => cleanup.use(await Scene.begin(contender, advertMs))),
      )
      const scenes = begun.map((each) => {
        if (each.status === 'rejected') throw each.reason
        return each.value
      })
      const blind = await Promise.all(scenes.map((scene, at) => failAll(scene, who, asked[at]!, again)))
      asked = blind.filter(({ causes }) => causes.length > 0)
    }
  }
  for (let first = 0; first < runs; first += lanes) {
    const all = Object.entries(contenders)
    const isOdd = (first / lanes) % 2 === 1
    for (const [who, contender] of isOdd ? all.toReversed() : all) await round(first, who, contender)
  }
  return Object.keys(contenders).flatMap((who) =>
    CAUSES.map((cause: Cause) => ({ who, advert, cause, failures: failures.get(`${who} ${cause}`)! })),
  )
}
