// What is defended by, once operators have had their say: the file's rules with other actions, rules that were added, proof by
// hand, bans, who is allowed and whether alone. The file is never changed by it. Pure.

import { formatPrefix, type Prefix, tryPrefix } from '../base/prefix.ts'
import { PROOF } from '../config/defence.ts'
import { checkedRule, RULES_LIMIT } from '../config/defence-rules.ts'
import { knownRules } from '../config/known-rules.ts'
import { nobodyOf } from '../config/list-sense.ts'
import { breadthFault } from '../config/rule-breadth.ts'
import type { RuleShape } from '../config/schema-defence.ts'
import type { DesiredState } from '../config/state.ts'
import type { Ban, DefenceSpec, ProofMode, RuleAction, RuleSpec } from '../engine/defence-spec.ts'
import { type FloodWord, type InForce, inForce } from './said.ts'

/** NO_END: of a ban without one; the latest that a time of day can be. */
export const NO_END = 8_640_000_000_000_000

/** withSaid: a state as it is defended now; the same where nothing was said that changes it. */
export function withSaid(state: DesiredState, words: readonly FloodWord[], now: number): DesiredState {
  const { defence } = state
  const said = inForce(words, now)
  if (!defence || said.length === 0) return state
  const modes = new Map(
    said.flatMap(({ order }): [string, ProofMode][] =>
      order.kind === 'proof' ? [[order.service ?? '', order.mode]] : [],
    ),
  )
  const services = state.services.map((service) => {
    const mode = modes.get(service.name) ?? modes.get('')
    return mode === undefined ? service : { ...service, defence: { ...service.defence, proof: mode } }
  })
  const isAsked = services.some((service) => (service.defence?.proof ?? 'auto') !== 'off')
  return {
    ...state,
    services,
    defence: {
      ...defence,
      rules: rulesWith(defence.rules, said, state.services).rules,
      ...listsWith(defence, said, state.services),
      ...(isAsked && { proof: defence.proof ?? PROOF }),
    },
  }
}

/** Idle: what was said, `rule night`, and has no effect by this file, and why. */
export interface Idle {
  readonly what: string
  readonly why: string
}

/** idleOf: what was said and has no effect by the file that runs. */
export function idleOf(
  { defence, services }: DesiredState,
  words: readonly FloodWord[],
  now: number,
): readonly Idle[] {
  const said = inForce(words, now)
  if (!defence || said.length === 0) return []
  const nobody = saidOfOnly(said) ? nobodyOf(allowedWith(defence.allow, said), services) : undefined
  return [
    ...rulesWith(defence.rules, said, services).idle,
    ...(nobody ? [{ what: 'only', why: nobody.why }] : []),
  ]
}

/** allowedWith: the file's, and those that are allowed by hand. */
export function allowedWith(files: readonly Prefix[], said: readonly InForce[]): readonly Prefix[] {
  const added = said.flatMap(({ order }) =>
    order.kind === 'allow' ? (prefixOfText(order.prefix) ?? []) : [],
  )
  return added.length === 0 ? files : [...files, ...added]
}

/** saidOfOnly: whether who is not allowed is dropped; undefined: as the file has it. */
const saidOfOnly = (said: readonly InForce[]): boolean | undefined =>
  said.flatMap(({ order }) => (order.kind === 'only' ? [order.isOn] : [])).at(-1)

/** listsWith: who is allowed by hand is not denied by the file; where nobody would be left, nobody is let in alone. */
function listsWith(
  { allow: files, deny, only }: DefenceSpec,
  said: readonly InForce[],
  services: DesiredState['services'],
): Pick<DefenceSpec, 'allow' | 'deny' | 'only'> {
  const allow = allowedWith(files, said)
  const added = new Set(allow.slice(files.length).map(formatPrefix))
  return {
    allow,
    deny: added.size === 0 ? deny : deny.filter((each) => !added.has(formatPrefix(each))),
    only: (saidOfOnly(said) ?? only) && nobodyOf(allow, services) === undefined,
  }
}

/**
 * rulesWith: the file's and those that ship, with the actions that were given, then those that were added, which are asked
 * last. Of one that was added the services that the file has are left; where none is, or it makes no sense, it is idle.
 */
function rulesWith(
  files: readonly RuleSpec[],
  said: readonly InForce[],
  services: DesiredState['services'],
): { readonly rules: readonly RuleSpec[]; readonly idle: readonly Idle[] } {
  const idle: Idle[] = []
  const rules = new Map(files.map((rule) => [rule.name, rule]))
  const known = new Set(rules.keys())
  for (const { order } of said) {
    if (order.kind !== 'action') continue
    const { name, action } = order
    const rule = rules.get(name) ?? knownRules.get(name)
    if (!rule) idle.push({ what: `rule ${name}`, why: 'the file has no such rule any more' })
    else if (action === 'off') rules.delete(name)
    else {
      const why = breadthFault({ ...rule, action })
      if (why === undefined) rules.set(name, acting(rule, action))
      else idle.push({ what: `rule ${name}`, why })
    }
  }
  for (const { order } of said) {
    if (order.kind !== 'rule') continue
    const { name, isObserved } = order
    const rule = known.has(name) ? 'the file has a rule of that name' : stillOf(order.rule, services)
    if (typeof rule === 'string') idle.push({ what: `rule ${name}`, why: rule })
    else if (rules.size >= RULES_LIMIT)
      idle.push({ what: `rule ${name}`, why: `there are ${RULES_LIMIT} rules before it` })
    else rules.set(name, isObserved ? acting({ ...rule, name }, 'count') : { ...rule, name })
  }
  return { rules: [...rules.values()], idle }
}

/** acting: a rule with another action, and so without a rate. */
function acting({ perSecond: _, ...rule }: RuleSpec, action: Exclude<RuleAction, 'limit'>): RuleSpec {
  return { ...rule, action }
}

/** stillOf a rule that was added: what it is for the services that there are, or why it is nothing. */
function stillOf(shape: RuleShape, services: DesiredState['services']): Omit<RuleSpec, 'name'> | string {
  const said = shape.services === undefined ? undefined : [shape.services].flat()
  const left = said?.filter((each) => services.some(({ name }) => name === each))
  if (said && left?.length === 0) return `there is no service ${said.join(', ')} any more`
  const faults: string[] = []
  const rule = checkedRule({ ...shape, ...(left && { services: left }) }, services, (message) =>
    faults.push(message),
  )
  return faults.length > 0 ? faults.join('; ') : rule
}

/** bansOf: who is banned by hand. */
export const bansOf = (words: readonly FloodWord[], now: number): Ban[] =>
  inForce(words, now).flatMap(({ order, until = NO_END }) => {
    const prefix = order.kind === 'ban' ? prefixOfText(order.prefix) : undefined
    return prefix ? [{ prefix, until }] : []
  })

function prefixOfText(text: string): Prefix | undefined {
  const read = tryPrefix(text)
  return read && { address: read.address, length: read.length }
}
