// What operators say of floods: carried out, kept, told of. An order changes the list of words, the packet path is given what
// follows from it, and only then it counts: where the packet path refuses, the word is taken back. What cannot be kept
// counts all the same, and is tried again. What other nodes said is taken in the same way.

import { TenbinError } from '../base/errors.ts'
import { type Prefix, tryPrefix } from '../base/prefix.ts'
import { Serial } from '../base/serial.ts'
import type { DesiredState } from '../config/state.ts'
import type { RuleSpec } from '../engine/defence-spec.ts'
import type { LiveDefence } from '../engine/defence-status.ts'
import type { EventSink } from '../events/event.ts'
import { bansOf, idleOf, withSaid } from '../flood/effective.ts'
import {
  type FloodWord,
  heard,
  type InForce,
  inForce,
  nextEnd,
  ORDERS_LIMIT,
  releasedBy,
  type Saying,
  say,
} from '../flood/said.ts'
import type { FloodOrderAnswer } from './api-flood.ts'
import type { Problem } from './api-schema.ts'
import { type FloodCommand, meantBy, opOf, orderText, refuse, takenBackText } from './flood-meaning.ts'
import type { FloodStore } from './flood-store.ts'
import { problem, problemsOf } from './problem.ts'
import { FULL_MS } from './shared-words.ts'

/** FloodOrdersOptions: the outside world. */
export interface FloodOrdersOptions {
  readonly store: FloodStore
  readonly events: EventSink
  readonly now: () => Date
  /** self: this node's name in its cluster; empty: it is in none. */
  readonly self: () => string
  /** running: the file that runs; undefined: none does. */
  readonly running: () => DesiredState | undefined
  /** defend: the packet path gets what is defended by now. Throws what it throws; then what ran runs on. */
  readonly defend: () => Promise<void>
  /** release the source that a network is, or is in, of a ban of the packet path's own; whether it had one. */
  readonly release: (network: Prefix) => boolean
  /** doubts: what speaks against a rule, in sentences: traffic that it would take. */
  readonly doubts: (rule: Omit<RuleSpec, 'name'>) => readonly string[]
}

/** AGAIN_MS: another program is hundreds of milliseconds' work, whether it is taken or not. */
const AGAIN_MS = 5_000
/** LEFT_MS: what another node has that has no room is heard again within that (shared-words.ts). */
const LEFT_MS = 2 * FULL_MS

export class FloodOrders {
  readonly #options: FloodOrdersOptions
  readonly #serial = new Serial()
  #words: readonly FloodWord[]
  #unkept: readonly Problem[] = []
  /** Words of other nodes that the packet path refused. */
  #untaken: readonly Problem[] = []
  /** How many words of other nodes have no room here, and when that was heard. */
  readonly #left = new Map<string, { readonly count: number; readonly at: number }>()
  #end: number | undefined
  /** What was made of a file last, of which words, and as long as none of them ends. */
  #defended:
    | {
        readonly desired: DesiredState
        readonly words: readonly FloodWord[]
        readonly state: DesiredState
        readonly from: number
        readonly until: number
      }
    | undefined
  /** When what is over is tried again, after the packet path has refused. */
  #againAt = 0
  #ending = false

  constructor(options: FloodOrdersOptions) {
    this.#options = options
    this.#words = options.store.read()
    this.#end = nextEnd(this.#words, this.#now)
  }

  /** words: all of them, as other nodes are told. */
  get words(): readonly FloodWord[] {
    return this.#words
  }

  /** inForce: those that count now. */
  get inForce(): readonly InForce[] {
    return inForce(this.#words, this.#now)
  }

  /** defended: a file as it is defended now. */
  defended(desired: DesiredState): DesiredState {
    const { desired: last, words, state, from, until } = this.#defended ?? {}
    const now = this.#now
    // asked ten times a second, of lists that may be long
    if (state && last === desired && words === this.#words && now >= from! && now < until!) return state
    const made = withSaid(desired, this.#words, now)
    const end = nextEnd(this.#words, now) ?? Number.POSITIVE_INFINITY
    this.#defended = { desired, words: this.#words, state: made, from: now, until: end }
    return made
  }

  /** live: what an engine is told beside its spec. */
  live(desired: DesiredState): LiveDefence {
    const { services } = this.defended(desired)
    return {
      services: new Map(services.map(({ name, defence = { proof: 'auto' } }) => [name, defence])),
      bans: bansOf(this.#words, this.#now),
    }
  }

  /** carryOut what a command says. Throws DEFENCE_OFF, FLOOD_ORDER_INVALID, FLOOD_ORDER_REFUSED, SERVICE_UNKNOWN, and what the packet path throws. */
  carryOut(command: FloodCommand): Promise<FloodOrderAnswer> {
    return this.#serial.run(async () => {
      const running = this.#running(command)
      const { sayings, rule, notes: said = [], until: kept } = meantBy(command, running, this.inForce)
      const notes = [...said, ...(rule ? this.#options.doubts(rule) : [])]
      const until = ('untilMs' in command ? command.untilMs : undefined) ?? kept
      if (until !== undefined && until <= this.#now)
        refuse(command, 'FLOOD_ORDER_INVALID', `${new Date(until).toISOString()} has passed already`)
      const before = new Set(this.inForce.map((word) => word.about))
      const isReleased = this.#release(sayings)
      const self = this.#options.self()
      // a ban that packets have earned is another node's as well: all are told
      const isToldOn = (each: Pick<Saying, 'about' | 'order'>) =>
        self !== '' && releasedBy(each) !== undefined
      const changing = sayings.filter((each) => each.order || before.has(each.about) || isToldOn(each))
      if (!isReleased && changing.some((each) => !each.order && !before.has(each.about)))
        notes.push('it was not banned here; the other nodes are told')
      const about = sayings.map((each) => each.about).join(', ')
      const [first, ...more] = changing
      if (!first) {
        if (isReleased) this.#tell(takenBackText(about), about)
        return this.#answer(about, isReleased, undefined, notes)
      }
      const added = changing.filter((each) => each.order && !before.has(each.about))
      if (added.length > 0 && before.size + added.length > ORDERS_LIMIT)
        refuse(command, 'FLOOD_ORDER_REFUSED', `${ORDERS_LIMIT} are in force: take some back first`)
      const end = until === undefined ? {} : { until }
      const words = changing.reduce(
        (all, each) => say(all, { ...each, ...(each.order && end) }, self, this.#now),
        this.#words,
      )
      await this.#become(words)
      const others = more.length === 0 ? '' : `, and ${more.length} more likewise`
      this.#tell(
        `${first.order ? orderText(first.order, until) : takenBackText(first.about)}${others}`,
        about,
      )
      return this.#answer(about, true, until, notes)
    })
  }

  /** hear another node's words; whether all of them have room. */
  hear(words: readonly FloodWord[], from: string): Promise<boolean> {
    return this.#serial.run(async () => {
      const { words: next, news, left } = heard(this.#words, words, this.#now)
      if (left > 0) this.#left.set(from, { count: left, at: this.#now })
      else this.#left.delete(from)
      if (news.length === 0) return left === 0
      try {
        await this.#become(next)
        this.#untaken = []
      } catch (error) {
        this.#untaken = problemsOf(error)
        return true
      }
      this.#release(news)
      for (const { about, order, until } of news)
        this.#tell(`${order ? orderText(order, until) : takenBackText(about)}, on ${from}`, about)
      return left === 0
    })
  }

  /** sweep: what is over no longer counts. */
  sweep(): void {
    if (this.#end === undefined || Math.max(this.#end, this.#againAt) > this.#now || this.#ending) return
    this.#ending = true
    void this.#serial
      .run(async () => {
        const over = this.#words.filter(
          ({ order, until }) => order && until !== undefined && until <= this.#now && until >= this.#end!,
        )
        try {
          await this.#options.defend()
          this.#end = nextEnd(this.#words, this.#now)
          for (const { about } of over) this.#tell(`${takenBackText(about)}: its time is over`, about)
          this.#untaken = []
        } catch (error) {
          this.#untaken = problemsOf(error)
          this.#againAt = this.#now + AGAIN_MS
        }
      })
      .finally(() => {
        this.#ending = false
      })
  }

  /** problems: and what could not be kept is tried again. */
  problems(): readonly Problem[] {
    if (this.#unkept.length > 0) this.#keep()
    return [
      ...this.#unkept,
      ...this.#untaken,
      ...this.#crowded(),
      ...this.#idle(),
      ...this.#options.store.problems(),
    ]
  }

  /** #release whom words take a ban back from; whether the packet path had banned any of them by itself. */
  #release(words: readonly Pick<FloodWord, 'about' | 'order'>[]): boolean {
    const networks = words.flatMap((word) => tryPrefix(releasedBy(word) ?? '') ?? [])
    return networks.filter((network) => this.#options.release(network)).length > 0
  }

  /** #crowded: nodes whose words have no room here. What was heard long ago is not known any more: nodes leave. */
  #crowded(): Problem[] {
    return [...this.#left].flatMap(([node, { count, at }]) =>
      this.#now - at > LEFT_MS
        ? []
        : problem(
            'FLOOD_ORDERS_MANY',
            `node ${node}: ${count} of its words on floods do not hold here: ${ORDERS_LIMIT.toLocaleString('en-US')} are in force`,
          ),
    )
  }

  /** #idle: what was said that the file which runs leaves nothing of. */
  #idle(): Problem[] {
    const running = this.#options.running()
    if (!running) return []
    return idleOf(running, this.#words, this.#now).map(({ what, why }) =>
      problem('FLOOD_ORDER_IDLE', `${what} by hand has no effect: ${why}`),
    )
  }

  get #now(): number {
    return this.#options.now().getTime()
  }

  async #become(words: readonly FloodWord[]): Promise<void> {
    const before = this.#words
    this.#words = words
    try {
      await this.#options.defend()
    } catch (error) {
      this.#words = before
      throw error
    }
    this.#end = nextEnd(words, this.#now)
    this.#keep()
  }

  #keep(): void {
    try {
      this.#options.store.write(this.#words)
      this.#unkept = []
    } catch (error) {
      this.#unkept = problemsOf(error)
    }
  }

  #running(command: FloodCommand): DesiredState {
    const running = this.#options.running()
    if (!running) throw new TenbinError('NOT_APPLIED', opOf(command), { detail: 'nothing is applied yet' })
    if (!running.defence) throw new TenbinError('DEFENCE_OFF', opOf(command))
    return running
  }

  #answer(
    about: string,
    changed: boolean,
    until: number | undefined,
    notes: readonly string[],
  ): FloodOrderAnswer {
    const unkept = this.#unkept[0]
    return {
      about,
      changed,
      kept: !unkept,
      ...(until !== undefined && { until: new Date(until).toISOString() }),
      notes: [
        ...(changed ? [] : ['nothing is different']),
        ...(unkept ? [`it will not hold over a restart: ${unkept.message}`] : []),
        ...notes,
      ],
    }
  }

  #tell(text: string, about: string): void {
    this.#options.events.record({ kind: 'flood.ordered', severity: 'notice', text, data: { about } })
  }
}
