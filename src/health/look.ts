// One look at a server: owns what a checker opens, and ends it all when the checker is done or its time is over,
// whichever comes first. Its idea: whoever waits for an answer that never comes need not know the time; when it is over,
// the descriptors are closed, the verdict says what was being waited for, and the checker is forgotten where it stands.

import { formatIp } from '../base/addresses.ts'
import { formatDuration } from '../base/durations.ts'
import { invariant, TenbinError } from '../base/errors.ts'
import type { Reactor } from '../sys/reactor.ts'
import { bad, type Checker, type Finding, type Target, type Verdict } from './checker.ts'
import { failureVerdict } from './failure.ts'
import type { Turns } from './turns.ts'

/** LookOptions: `timeoutMs` is for all of the look. */
export interface LookOptions {
  readonly reactor: Reactor
  readonly timeoutMs: number
  /** For checks that go through service addresses. */
  readonly turns?: Turns
  /** onFault: a checker threw what is no failure of its server: a bug, or a file that asks for what cannot be. */
  readonly onFault?: (error: unknown) => void
}

/**
 * LATE_MS: a time-out that is noticed later than this is this process's own lateness (it was not run, or was busy), which
 * the server is given once more to answer.
 */
const LATE_MS = 50

/** silenceOf: what it means mostly that nobody answers through a service address. */
export const silenceOf = ({ address }: Target): string => `: has the server ${formatIp(address)} on its lo?`

/** Look: one run of one checker. */
export class Look implements Disposable {
  readonly reactor: Reactor
  readonly timeoutMs: number
  readonly #turns: Turns | undefined
  /** silence: what it may mean if what is being waited for does not come; nothing, or words behind the verdict. */
  silence = ''
  readonly #onFault: (error: unknown) => void
  #doing: () => string = () => 'check'
  readonly #parts: Look[] = []
  #owned: Disposable[] | undefined = []

  constructor({ reactor, timeoutMs, turns, onFault = () => {} }: LookOptions) {
    this.reactor = reactor
    this.#turns = turns
    this.timeoutMs = timeoutMs
    this.#onFault = onFault
  }

  /** doing: what the checker is waiting for, as in `connect timed out after 5s`. */
  get doing(): string {
    return this.#doing()
  }

  set doing(what: string) {
    this.#doing = () => what
  }

  /** turns: a way to one server through a service address. */
  get turns(): Turns {
    invariant(this.#turns, 'a look that knows no way through a service address')
    return this.#turns
  }

  /** part: a look within this one, with the same end. What this one does is from now on what its parts do. */
  part(): Look {
    const part = this.own(
      new Look({
        reactor: this.reactor,
        timeoutMs: this.timeoutMs,
        ...(this.#turns && { turns: this.#turns }),
        onFault: this.#onFault,
      }),
    )
    this.#parts.push(part)
    this.#doing = () =>
      this.#parts
        .filter(({ isOver }) => !isOver)
        .map(({ doing }) => doing)
        .join(', ')
    return part
  }

  /** failure: what an error says that left a checker; one that nobody foresaw says nothing of the server. */
  failure(error: unknown): Verdict {
    if (error instanceof TenbinError) return failureVerdict(this.doing, error)
    this.#onFault(error)
    const why = error instanceof Error ? error.message : String(error)
    return { outcome: 'none', text: `the check itself failed: ${why}` }
  }

  /** isOver: all that it owned is closed; whoever still runs stops. */
  get isOver(): boolean {
    return this.#owned === undefined
  }

  /** own: ends with the look; the last one first. Of a look that is over: at once. */
  own<Resource extends Disposable>(resource: Resource): Resource {
    if (this.#owned === undefined) resource[Symbol.dispose]()
    else this.#owned.push(resource)
    return resource
  }

  [Symbol.dispose](): void {
    const owned = this.#owned
    if (owned === undefined) return
    this.#owned = undefined
    for (let at = owned.length - 1; at >= 0; at--) owned[at]![Symbol.dispose]()
  }
}

/** lookOnce runs a checker; it answers within the time, whatever server and checker do, and owns nothing afterwards. */
export function lookOnce(checker: Checker, options: LookOptions): Promise<Finding> {
  const { timeoutMs } = options
  return new Promise((resolve) => {
    const started = performance.now()
    const look = new Look(options)
    const settle = (verdict: Verdict): void => {
      const latencyMs = performance.now() - started
      if (look.isOver) return
      clearTimeout(timer)
      look[Symbol.dispose]()
      resolve({ ...verdict, latencyMs })
    }
    const timedOut = () =>
      settle(bad(`${look.doing} timed out after ${formatDuration(timeoutMs)}${look.silence}`))
    let timer = setTimeout(() => {
      const lateMs = performance.now() - started - timeoutMs
      // What arrived in the meantime is heard first: descriptors are polled between timers and immediates.
      if (lateMs < LATE_MS) setImmediate(timedOut)
      else timer = setTimeout(timedOut, Math.min(lateMs, timeoutMs))
    }, timeoutMs)
    begin(checker, look).then(settle, (error: unknown) => {
      // What is thrown because the end was closed under it says nothing.
      if (!look.isOver) settle(look.failure(error))
    })
  })
}

/** begin: what a checker throws at once is no other than what it throws later. */
const begin = async (checker: Checker, look: Look): Promise<Verdict> => checker(look)

/** lookPart runs a checker within a look; it ends with the verdict, or with the whole. */
export async function lookPart(checker: Checker, whole: Look): Promise<Verdict> {
  using part = whole.part()
  try {
    return await checker(part)
  } catch (error) {
    return part.failure(error)
  }
}
