// What defence did with a packet, and how many packets of each fate were recorded. Two kinds of records are told apart, as their
// budgets are: of those that are kept for what they are, SYNs above all, each stands for itself, while a few are drawn from
// all others. SYNs beside a flood of other packets would seem to be half of it otherwise.

import type { OutcomeName } from '../dataplane/outcomes.ts'
import type { RecordKind } from '../dataplane/record.ts'
import { byGroup, type Group } from './facts.ts'

/** FATES: `refused`: dropped before SYNs are counted, `limited`: behind; `proven`: a RST that proves its source. */
const FATES = ['passed', 'challenged', 'proven', 'refused', 'limited'] as const
export type Fate = (typeof FATES)[number]

/** OUTCOMES: those of each fate; all others are of packets that pass. */
export const OUTCOMES = {
  challenged: ['challenged'],
  proven: ['proven'],
  refused: ['denied', 'banned', 'rule'],
  limited: ['source-limit', 'service-limit', 'node-limit'],
} as const satisfies Readonly<Record<Exclude<Fate, 'passed'>, readonly OutcomeName[]>>

const fates: ReadonlyMap<OutcomeName, Fate> = new Map(
  Object.entries(OUTCOMES).flatMap(([fate, names]) => names.map((name) => [name, fate as Fate] as const)),
)

/** fateOf a packet that left so. */
export const fateOf = (outcome: OutcomeName): Fate => fates.get(outcome) ?? 'passed'

/** Kept: packets that were recorded: for what they are, and of all others. */
export interface Kept {
  own: number
  drawn: number
}

/** Counted: recorded packets. */
export type Counted = Readonly<Record<Fate, Readonly<Record<Group, Kept>>>>

const kept = () => byGroup((): Kept => ({ own: 0, drawn: 0 }))

/** countedOf nothing yet. */
export const countedOf = (): Counted => ({
  passed: kept(),
  challenged: kept(),
  proven: kept(),
  refused: kept(),
  limited: kept(),
})

/** count a packet that was recorded. */
export function count(counted: Counted, fate: Fate, group: Group, kind: RecordKind): void {
  counted[fate][group][kind === 'new' || kind === 'rule' ? 'own' : 'drawn']++
}
