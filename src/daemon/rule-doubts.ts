// Whether a rule matches what it should not: more than a part of what clients are seen to send that mean no harm (flood/harm.ts).
// It is told once of a rule as it is, whether it acts or only counts: one that is observed is to be known before it acts.

import type { RuleSpec } from '../engine/defence-spec.ts'
import type { EventSink } from '../events/event.ts'
import type { Group } from '../flood/facts.ts'
import type { Harm } from '../flood/harm.ts'
import { optionsOf } from '../flood/rule-text.ts'
import { percent } from '../flood/verdict-words.ts'

/** PACKETS: of a group, those that clients send. */
const PACKETS: Readonly<Record<Group, string>> = {
  opening: 'SYNs whose connections went on',
  other: 'packets of connections',
  udp: 'UDP packets of calm times',
}

export class RuleDoubts {
  readonly #events: EventSink
  /** Rules that were told of, by name, as they were then. */
  readonly #told = new Map<string, string>()
  #next = 0

  constructor(events: EventSink) {
    this.#events = events
  }

  /** look at one of the rules, the next of them each time; `most`: the share that one may match, 0..1. */
  look(rules: readonly RuleSpec[], most: number, harmOf: (rule: RuleSpec) => Harm | undefined): void {
    for (const name of this.#told.keys())
      if (!rules.some((rule) => rule.name === name)) this.#told.delete(name)
    const rule = rules[this.#next++ % Math.max(1, rules.length)]
    if (!rule) return
    const { name, action, perSecond, services, match } = rule
    const now = [action, perSecond, services, optionsOf(match)].join(' ')
    if (this.#told.get(name) === now) return
    this.#told.delete(name)
    const harm = harmOf(rule)
    if (!harm || harm.matched <= most * harm.of) return
    this.#told.set(name, now)
    const { service, group, matched, of } = harm
    const known = `${matched} of ${of} ${PACKETS[group]}, ${percent(matched / of)}`
    const remedy =
      action === 'count'
        ? 'have it say more before it acts'
        : `if clients complain, \`tenbin flood add ${name} --action count\` has it count only`
    this.#events.record({
      ...{ kind: 'flood.rule', severity: 'warning', data: { rule: name } },
      text: `rule ${name} matches ${known} (${service}): ${remedy}`,
    })
  }
}
