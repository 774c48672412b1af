// What is tracked for one address set, and its own faults: what a node's fitness comes to now. Its idea: whoever looks says
// what is seen, tracking.ts says what counts; faults of the set's own making (addresses that cannot be taken, adverts that
// cannot be sent) are forgotten after a while, later each time, so that it is tried again.

import type { Fault, SetStatus } from './protocol.ts'
import type { SetSpec } from './spec.ts'
import {
  type Fitness,
  fitness,
  noTracks,
  see,
  settle,
  settlesAt,
  type Tracked,
  type Tracks,
} from './tracking.ts'

/** PACKET_PATH, nicRule: names of what is tracked without being named. */
export const PACKET_PATH = 'packet-path'
export const nicRule = (nic: string): string => `nic:${nic}`

/** OwnFault: of the set's own making, tried again after a while; or until it is taken back. */
type OwnFault = 'addresses' | 'sending'
type HeldFault = 'maintenance' | 'secret' | 'source'

const AGAIN = { firstMs: 1000, mostMs: 60_000, forgottenMs: 300_000 } as const

interface Tried {
  readonly text: string
  readonly until: number
  readonly waitMs: number
}

/** Verdict: the priority, and why the set may have no role. */
export interface Verdict {
  readonly priority: number
  readonly faults: readonly Fault[]
}

export class FitnessWatch {
  #rules: readonly Tracked[] = []
  #tracks: Tracks = noTracks
  readonly #texts = new Map<string, string>()
  readonly #tried = new Map<OwnFault, Tried>()
  readonly #held = new Map<HeldFault, string>()

  /**
   * follow these rules from now on; what is known of those that stay is kept. Of others nothing is known: they are down until they
   * are seen up, but for a set that `serves`: it goes on until they are seen down. Of its own NICs that is known at once.
   */
  follow(
    { track, networks }: Pick<SetSpec, 'track' | 'networks'>,
    withPacketPath: boolean,
    serves = false,
  ): void {
    const nics = new Set(networks.map(({ nic }) => nicRule(nic)))
    const implied = [...nics, ...(withPacketPath ? [PACKET_PATH] : [])]
    this.#rules = [
      ...implied.map((name): Tracked => ({ name, weight: 'fault', riseMs: 0, fallMs: 0 })),
      ...track,
    ]
    const before = this.#tracks
    this.#tracks = new Map(
      this.#rules.flatMap(({ name }) => {
        const track =
          before.get(name) ?? (serves && !nics.has(name) ? { isUp: true, since: undefined } : undefined)
        return track ? [[name, track] as const] : []
      }),
    )
  }

  /** see: how one thing looks at `now`; nothing follows for names that no rule has. */
  see(name: string, isUp: boolean, text: string, now: number): void {
    const rule = this.#rules.find((each) => each.name === name)
    if (!rule) return
    this.#texts.set(name, text)
    this.#tracks = see(this.#tracks, rule, isUp, now)
  }

  /** fail: for a while, longer each time. */
  fail(name: OwnFault, text: string, now: number): void {
    const before = this.#tried.get(name)
    const isFresh = before === undefined || now > before.until + AGAIN.forgottenMs
    const waitMs = isFresh ? AGAIN.firstMs : Math.min(2 * before.waitMs, AGAIN.mostMs)
    this.#tried.set(name, { text, until: now + waitMs, waitMs })
  }

  /** hold: until it is taken back, by undefined. */
  hold(name: HeldFault, text: string | undefined): void {
    if (text === undefined) this.#held.delete(name)
    else this.#held.set(name, text)
  }

  /** verdict at `now`, on the configured priority. */
  verdict(priority: number, now: number): Verdict {
    this.#tracks = settle(this.#tracks, this.#rules, now)
    const found: Fitness = fitness(priority, this.#rules, this.#tracks)
    const faults = [
      ...[...this.#held].map(([name, text]) => ({ name, text })),
      ...[...this.#tried].flatMap(([name, { text, until }]) => (now < until ? [{ name, text }] : [])),
      ...found.faults.map((name) => ({ name, text: this.#texts.get(name) ?? 'it was not looked at yet' })),
    ]
    return { priority: found.priority, faults }
  }

  /** nextAt: when the verdict may be another, if nothing is seen. */
  nextAt(now: number): number | undefined {
    const times = [...this.#tried.values()].map(({ until }) => until).filter((until) => until > now)
    const settles = settlesAt(this.#tracks, this.#rules)
    if (settles !== undefined) times.push(settles)
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /** tracks as they count. */
  get tracks(): SetStatus['tracks'] {
    return this.#rules.map(({ name }) => ({
      name,
      isUp: this.#tracks.get(name)?.isUp ?? false,
      text: this.#texts.get(name) ?? 'it was not looked at yet',
    }))
  }
}
