// How flows get from one generation to the next, and what first fragments told of later ones. The flow table is a map of
// its own: where its size stays, the new program is bound to the same map, and nothing happens to it at all. Where the
// size changes, records are copied into a new one: all of them before the swap, then those that changed meanwhile, then,
// behind the swap, those of the moment between. The table of answers goes the same way. A process that dies in the middle
// leaves the old program with its table, or the new one with what was copied.
//
// Before that, records of numbers that nobody has are taken away: the next generation may give them to somebody.

import { TenbinError } from '../base/errors.ts'
import { ANSWER_WORDS } from '../dataplane/answer-record.ts'
import { AWAITING } from '../dataplane/awaiting.ts'
import { BUCKET_ENTRIES } from '../dataplane/flow-record.ts'
import { bucketsOf, flowsOf } from '../dataplane/memory.ts'
import { ROLES } from '../dataplane/virtual-mac.ts'
import type { BpfMap } from '../kernel/map.ts'
import { mapById } from '../kernel/query.ts'
import { keptMaps } from './defence-maps.ts'
import { FlowCopy } from './flow-copy.ts'
import type { FlowKeeper } from './flow-keeper.ts'
import type { Generation, Prepared } from './generation.ts'
import { heritageOf, sameKeys } from './heritage.ts'
import type { Ticks } from './jiffies.ts'
import { ANSWER_FORMAT, FLOW_FORMAT } from './meta.ts'
import { Records } from './records.ts'

/** ALWAYS: maps that go on being used whatever the keys are. */
const ALWAYS: ReadonlySet<string> = new Set(['clock', ROLES.name, AWAITING.name, 'recorder'])

export class FlowSuccession {
  readonly #running: Generation | undefined
  /** The running one, where its records are found by the same keys. */
  readonly #before: Generation | undefined
  readonly #prepared: Prepared
  readonly #records: Records | undefined
  readonly #answers: Records | undefined
  #copies: readonly FlowCopy[] = []
  #ticks: Ticks | undefined

  constructor(running: Generation | undefined, prepared: Prepared) {
    const { keys } = prepared
    const before = running && sameKeys(heritageOf(running)?.keys ?? keys, keys) ? running : undefined
    this.#running = running
    this.#before = before
    this.#prepared = prepared
    const meta = before?.meta
    const shape = flowsOf(prepared.plan.shape)
    const words = before?.maps.words('flows')
    const isReadable =
      meta?.flows && words && meta.flows.format === FLOW_FORMAT && meta.flows.shift === shape?.clock.shift
    if (!isReadable) return
    this.#records = new Records(words, meta.flows!.entries)
    const answers = meta.flows!.answers === ANSWER_FORMAT ? before?.maps.words('answers') : undefined
    this.#answers = answers && new Records(answers, meta.flows!.entries, ANSWER_WORDS.count)
    const { servers, services } = meta
    for (const records of [this.#records, this.#answers])
      records?.clearWhere(
        (server, service) => !servers[server]?.name || !services[service]?.name, // biome-ignore format: a condition
      )
  }

  /** Whether the flow table keeps its size. */
  get #isSame(): boolean {
    const shape = flowsOf(this.#prepared.plan.shape)
    return shape !== undefined && this.#records?.entries === bucketsOf(shape) * BUCKET_ENTRIES
  }

  /** shared: the maps that the new program is bound to as well, opened anew: the caller owns them. */
  shared(): ReadonlyMap<string, BpfMap> {
    const flows = this.#isSame ? ['flows', ...(this.#answers ? ['answers'] : [])] : []
    // keys stay, and with them how fragments are found; the size is always the same
    const kept = this.#before?.meta
      ? ['fragments', ...keptMaps(this.#before.meta, this.#prepared.plan.spec)]
      : []
    const names = [...flows, ...ALWAYS, ...kept]
    const shared = new Map<string, BpfMap>()
    const wanted = new Map(this.#prepared.maps.map((map) => [map.name, map]))
    for (const name of names) {
      const from = ALWAYS.has(name) ? this.#running : this.#before
      const found = wanted.has(name) ? from?.maps.all.get(name) : undefined
      // of another size they begin anew: the recorder's rings, the tries of longer lists, what more services count
      const { valueSize, maxEntries } = wanted.get(name) ?? {}
      const isSame = found?.info.valueSize === valueSize && found?.info.maxEntries === maxEntries
      const map = isSame && found && mapById(found.info.id)
      if (map) shared.set(name, map)
    }
    return shared
  }

  /** copy what is to be copied, before the swap. Gives notes. Throws PINS_DAMAGED where it does not read back. */
  copy({ records, answers, ticks }: FlowKeeper): string[] {
    if (!this.#records || this.#isSame) return []
    this.#ticks = ticks
    const notes = [this.#copyTable('flow table', this.#records, records)]
    if (this.#answers && answers) notes.push(this.#copyTable('table of answers', this.#answers, answers))
    return notes
  }

  #copyTable(what: string, from: Records, to: Records): string {
    const copy = new FlowCopy(from, to)
    this.#copies = [...this.#copies, copy]
    const now = () => this.#ticks!.now()
    const { placed, unplaced } = copy.pass(now())
    const missing = copy.missing()
    const later = copy.pass(now())
    // A record without room may have pushed another out; and some came in just now.
    if (missing > 2 * unplaced + later.placed + later.unplaced) {
      throw new TenbinError('PINS_DAMAGED', `copy the ${what}`, {
        detail: `${missing} of ${placed} records do not read back`,
      })
    }
    const lost = missing === 0 ? '' : `, ${missing} had no room`
    return `${what} of ${to.entries} records instead of ${from.entries}: ${placed} copied${lost}`
  }

  /** finish behind the swap: what the old program still recorded; again, for what was on its way through it. */
  finish(): void {
    for (const copy of this.#copies) copy.pass(this.#ticks!.now())
  }
}
