// The rules of `defence:`: those that the file writes, in its order, then those that ship and of which it says nothing. A rule
// that is added by hand is read and judged by the same function.

import { didYouMean } from '../base/nearest.ts'
import type { RuleSpec } from '../engine/defence-spec.ts'
import { describe } from './check-shape.ts'
import type { Findings } from './findings.ts'
import { knownRules } from './known-rules.ts'
import type { Entry } from './merge.ts'
import { NAME_RULE, named } from './named.ts'
import { checkSense, type Listening } from './rule-sense.ts'
import { readRule, type Say } from './rule-words.ts'
import type { DefenceShape, RuleSetting, RuleShape } from './schema-defence.ts'
import { inside, keyOf, type Place } from './source.ts'

/** RULES_LIMIT: rules of the file and of operators together; each is instructions that every new flow meets. */
export const RULES_LIMIT = 64

/** resolveRules: the file's `defence.rules`, and those that ship. */
export function resolveRules(
  entry: Entry<NonNullable<DefenceShape['rules']>> | undefined,
  services: readonly Listening[] | undefined,
  findings: Findings,
): RuleSpec[] {
  const said = Object.entries(entry?.value ?? {})
  const rules = said.flatMap(([name, value]): RuleSpec[] => {
    const place = inside(entry!.place, name)
    return typeof value === 'string'
      ? resolveKnown(name, value, place, findings)
      : resolveRule(name, value, services, place, findings)
  })
  const others = [...knownRules.values()].filter(({ name }) => !said.some(([other]) => other === name))
  const seen = new Map<string, string>()
  for (const { name, match, services: of } of rules) {
    const key = JSON.stringify([match, of], (_, each) => (typeof each === 'bigint' ? `${each}n` : each))
    const first = seen.get(key)
    if (first !== undefined)
      findings.add(keyOf(inside(entry!.place, name)), `it matches what ${first} matches: remove one of them`)
    else seen.set(key, name)
  }
  const count = rules.length + others.length
  if (count > RULES_LIMIT) {
    const shipped = others.map(({ name }) => name).join(', ')
    const counted = others.length === 0 ? '' : `, with those that ship (${shipped}: off, where not wanted)`
    findings.add(entry!.place, `${count} rules are too many${counted}: at most ${RULES_LIMIT}`)
  }
  return [...rules, ...others]
}

function resolveKnown(
  name: string,
  value: Extract<RuleSetting, string>,
  place: Place,
  findings: Findings,
): RuleSpec[] {
  const known = knownRules.get(name)
  if (!known) {
    const meant = didYouMean(name, knownRules.keys())
    const all = [...knownRules.keys()].join(', ')
    const remedy = meant || `: write what it matches, or one of ${all}`
    findings.add(keyOf(place), `${describe(name)} is no rule that ships${remedy}`)
    return []
  }
  if (value === 'off') return []
  if (value === 'drop') return [{ ...known, action: 'drop' }]
  return [known]
}

function resolveRule(
  name: string,
  value: RuleShape,
  services: readonly Listening[] | undefined,
  place: Place,
  findings: Findings,
): RuleSpec[] {
  if (!named({ name, value, place }, findings)) return []
  const before = findings.count
  const say: Say = (message, ...at) =>
    findings.add(at.length === 0 ? keyOf(place) : inside(place, ...at), message)
  const rule = checkedRule(value, services, say)
  if (knownRules.has(name)) say(`${name} is a rule that ships: write ${name}: drop, or choose another name`)
  return findings.count > before ? [] : [{ name, ...rule }]
}

/** checkedRule: a rule of these services; what is wrong with it is said. */
export function checkedRule(
  value: RuleShape,
  services: readonly Listening[] | undefined,
  say: Say,
): Omit<RuleSpec, 'name'> {
  let isWrong = false
  const tell: Say = (...of) => {
    isWrong = true
    say(...of)
  }
  const rule = readRule(value, tell)
  const names = services?.map(({ name }) => name) ?? rule.services ?? []
  for (const [i, service] of (rule.services ?? []).entries())
    if (!names.includes(service))
      tell(
        `there is no service ${describe(service)}${didYouMean(service, names)}`,
        'services',
        ...(typeof value.services === 'string' ? [] : [i]),
      )
  if (!isWrong) checkSense(rule, services ?? [], tell)
  return rule
}

/** nameFault: why a rule cannot have a name; undefined: it can. */
export const nameFault = (name: string): string | undefined =>
  knownRules.has(name)
    ? `${name} is a rule that ships: choose another name`
    : /^[A-Za-z][A-Za-z0-9_.-]{0,62}$/.test(name)
      ? undefined
      : `${describe(name)} is not a name: ${NAME_RULE}`
