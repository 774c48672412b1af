// The defence of the XDP engine while it runs (defence-status.ts): what is told beside the spec, kept over applies, and
// what the packet path has counted. It writes live memory only: words by single stores, prefixes as entries of tries.

import { invariant } from '../base/errors.ts'
import { DefenceService, DefenceSettings } from '../dataplane/defence-memory.ts'
import type { BannedPrefix, DefenceTables, SourcesShape } from '../dataplane/defence-shape.ts'
import { PROOF } from '../dataplane/defence-shape.ts'
import { fillDefence } from '../dataplane/fill-defence.ts'
import { listEntries } from '../dataplane/list-entries.ts'
import { timeOf } from '../dataplane/memory.ts'
import type { BpfMap } from '../kernel/map.ts'
import { forgetServices, readRules, TRIES } from './defence-maps.ts'
import { defenceTablesOf, MOST_BANS } from './defence-shape.ts'
import type { Ban, ServiceDefence } from './defence-spec.ts'
import type { DefenceReading, Earned, EngineDefence, LiveDefence } from './defence-status.ts'
import { EarnedBans } from './earned-bans.ts'
import { listOf } from './generation-maps.ts'
import { EXACT, Ticks } from './jiffies.ts'
import { heldBy, ListTries } from './list-tries.ts'
import type { Meta } from './meta.ts'
import type { Plan } from './plan.ts'
import type { Live } from './status.ts'

/** FOREVER: ticks that a ban lasts at most: four years; what is further away would be over. */
const FOREVER = 2 ** 31 - 1
/** RATE_MS: rates are of so long at least. */
const RATE_MS = 1_000
/** BANS_MS: between two looks at whether anybody is banned still. */
const BANS_MS = 10_000

/** Seen: how often something had happened when. */
interface Seen {
  readonly at: number
  readonly counts: readonly bigint[]
}

/** Followed: the generation whose memory is written. */
interface Followed {
  readonly live: Live
  readonly tries: ListTries
  readonly words: Uint32Array
  /** Absent: the packet path bans nobody by itself. */
  readonly earned: EarnedBans | undefined
  seen: Seen
  rates: readonly number[] | undefined
  /** When bans were looked at last. */
  lookedAt: number
}

export class XdpDefence implements EngineDefence, Disposable {
  readonly #now: () => number
  readonly #epochMs: () => number
  #bans: readonly Ban[] = []
  #services: ReadonlyMap<string, ServiceDefence> = new Map()
  #followed: Followed | undefined
  #ticks: Ticks | undefined

  /** `now`: the engine's clock; `epochMs`: the time of day. */
  constructor(now: () => number, epochMs: () => number = Date.now) {
    this.#now = now
    this.#epochMs = epochMs
  }

  get isFollowing(): boolean {
    return this.#followed !== undefined
  }

  /** tables of a plan with what is told; undefined: it defends nothing. */
  tables({ spec, services }: Plan): DefenceTables | undefined {
    return defenceTablesOf(spec, services, { bans: this.#banned(), services: this.#services })
  }

  /**
   * follow a generation that packets go by from now on. `before`: what ran until now; `filled`: what its maps have just been
   * filled with, but for those that are shared; absent: all of them went on being used.
   */
  follow(
    live: Live,
    before: Meta | undefined,
    filled?: { readonly tables: DefenceTables | undefined; readonly shared: ReadonlyMap<string, BpfMap> },
  ): void {
    const { generation, prepared } = live
    const { maps } = generation
    const tables = this.tables(prepared.plan)
    const had = this.#followed?.tries.held
    this[Symbol.dispose]()
    if (!tables) return
    this.#ticks = new Ticks(timeOf(prepared.plan.shape), maps.words('clock'), EXACT)
    const words = maps.words('defence')!
    const { memory } = prepared.layout
    if (before && before !== generation.meta)
      forgetServices(words, memory.defence!.settings.type.offsets.services, before, generation.meta!)
    const tries = new Map(
      TRIES.flatMap((name) => {
        const map = maps.all.get(name)
        return map ? [[name, map] as const] : []
      }),
    )
    const made = filled?.tables && listEntries(filled.tables)
    const held = [...tries].flatMap(([name, map]) => {
      const known = made && !filled.shared.has(name) ? made : had
      return known?.filter((entry) => listOf(entry) === name) ?? heldBy(map)
    })
    const seen = { at: this.#now(), counts: this.#openings(live) }
    const banned = maps.words('banned')
    const { sources } = prepared.plan.shape.defence!
    this.#followed = {
      live,
      tries: new ListTries(tries, held),
      words,
      earned: banned && sources && this.#earned(banned, prepared, sources),
      seen,
      rates: undefined,
      lookedAt: seen.at,
    }
    this.#write()
  }

  set({ services, bans }: LiveDefence): void {
    invariant(bans.length <= MOST_BANS, `${bans.length} bans: at most ${MOST_BANS} have room`)
    const before = [this.#services, this.#bans] as const
    this.#services = services
    this.#bans = bans
    try {
      this.#write()
    } catch (error) {
      // who asked takes it back, and the next generation must not be given it
      ;[this.#services, this.#bans] = before
      throw error
    }
  }

  /** tick: where all bans of the packet path's own have ended, established flows are asked about none of them any more. */
  tick(): void {
    const followed = this.#followed
    if (!followed || this.#now() - followed.lookedAt < BANS_MS) return
    followed.lookedAt = this.#now()
    const { words, live } = followed
    const { settings } = live.prepared.layout.memory.defence!.settings.type.offsets
    const flag = (settings + DefenceSettings.offsets.banned) / 4
    if (words[flag] === 0 || (this.earned?.count ?? 0) > 0) return
    Atomics.store(words, flag, 0)
    // the packet path bans first, and says so then: who was banned meanwhile is found now, or it has yet to say so
    if ((this.earned?.count ?? 0) > 0) Atomics.store(words, flag, 1)
  }

  get earned(): Earned | undefined {
    return this.#followed?.earned
  }

  reading(): DefenceReading {
    const { live, words } = this.#following()
    const { plan, layout } = live.prepared
    const { offsets } = layout.memory.defence!.settings.type
    const rates = this.#rates()
    const now = this.#ticks!.now()
    const services = plan.services.flatMap((service, index) => {
      if (!service) return []
      const word = (name: 'proof' | 'proofUntil' | 'holdTicks') =>
        words[(offsets.services + DefenceService.size * index + DefenceService.offsets[name]) / 4]!
      const isHeld = (word('proofUntil') - now - 1) >>> 0 < word('holdTicks')
      const isUnderProof = word('proof') === PROOF.on || (word('proof') === PROOF.auto && isHeld)
      const rate = rates?.[index]
      return [{ name: service.name, isUnderProof, ...(rate !== undefined && { openingsPerS: rate }) }]
    })
    return { services, rules: readRules(live.generation.maps, live.generation.meta!) }
  }

  [Symbol.dispose](): void {
    this.#ticks?.[Symbol.dispose]()
    this.#ticks = undefined
    this.#followed = undefined
  }

  /** #write all that is data: settings and lists, an entry that is new before `listed` says that there is any. */
  #write(): void {
    if (!this.#followed) return
    const { live, tries, words } = this.#followed
    const { plan, layout, keys } = live.prepared
    const tables = this.tables(plan)!
    if (tables.allow.length + tables.deny.length + tables.bans.length > 0) {
      tries.set(listEntries(tables))
      fillDefence(layout.memory, plan.shape, tables, keys, words)
    } else {
      // nobody looks any more before they go
      fillDefence(layout.memory, plan.shape, tables, keys, words)
      tries.set([])
    }
  }

  /** #banned: bans by hand in the packet path's time; those that have ended are none. */
  #banned(): readonly BannedPrefix[] {
    const epoch = this.#epochMs()
    const live = this.#bans.filter(({ until }) => until > epoch)
    if (live.length === 0 || !this.#ticks) return []
    const now = this.#ticks.now()
    const left = (until: number) => Math.min(FOREVER, this.#ticks!.ticksOf(until - epoch))
    return live.map(({ prefix, until }) => ({ prefix, until: now + left(until) }))
  }

  #earned(words: Uint32Array, { keys, plan }: Live['prepared'], shape: SourcesShape): EarnedBans {
    const banMs = 1_000 * (plan.spec.defence?.sources?.banS ?? 0)
    return new EarnedBans({ words, keys, shape, banMs, ticks: this.#ticks!, epochMs: this.#epochMs })
  }

  /** #openings: SYNs by service since the generation began; none where no service is of TCP. */
  #openings({ generation, prepared }: Live): readonly bigint[] {
    const map = prepared.layout.memory.defence!.openings
    const words = generation.maps.words('openings')
    if (!map || !words) return prepared.plan.services.map(() => 0n)
    const counts = new BigUint64Array(words.buffer, words.byteOffset, words.length >> 1)
    const { count } = map.type.fields.blocks
    const stride = map.type.size / count / 8
    return prepared.plan.services.map((_, service) => {
      let total = 0n
      for (let block = 0; block < count; block++) total += counts[block * stride + service]!
      return total
    })
  }

  /** #rates a second, of the last interval of RATE_MS or more. */
  #rates(): readonly number[] | undefined {
    const followed = this.#following()
    const at = this.#now()
    const { seen } = followed
    const ms = at - seen.at
    if (ms < RATE_MS) return followed.rates
    const counts = this.#openings(followed.live)
    followed.rates = counts.map((count, i) => (Number(count - (seen.counts[i] ?? 0n)) * 1_000) / ms)
    followed.seen = { at, counts }
    return followed.rates
  }

  #following(): Followed {
    invariant(this.#followed, 'a defence was asked that there is not')
    return this.#followed
  }
}
