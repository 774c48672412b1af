// What a command about floods means: which order it is and what that is about, or why it cannot be. Pure.

import { TenbinError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'
import { bitsOf, coveredBy, formatPrefix, isEverybody, isMost, tryPrefix } from '../base/prefix.ts'
import { checkedRule, nameFault, RULES_LIMIT } from '../config/defence-rules.ts'
import { knownRules } from '../config/known-rules.ts'
import { nobodyOf, shutBy } from '../config/list-sense.ts'
import { breadthFault } from '../config/rule-breadth.ts'
import type { RuleShape } from '../config/schema-defence.ts'
import type { DesiredState } from '../config/state.ts'
import type { ProofMode, RuleSpec } from '../engine/defence-spec.ts'
import { allowedWith } from '../flood/effective.ts'
import { aboutOf, type InForce, type Order, type Saying } from '../flood/said.ts'

/** FloodCommand: what an operator wants. `untilMs`: a time of day, ms of the epoch. */
export type FloodCommand =
  | {
      readonly kind: 'add'
      readonly name: string
      readonly rule: RuleShape
      readonly isObserved: boolean
      readonly untilMs?: number
    }
  | { readonly kind: 'remove'; readonly name: string }
  | { readonly kind: 'ban'; readonly source: string; readonly untilMs?: number }
  | { readonly kind: 'unban'; readonly source: string }
  | { readonly kind: 'allow'; readonly sources: readonly string[]; readonly untilMs?: number }
  | { readonly kind: 'disallow'; readonly sources: readonly string[] }
  | { readonly kind: 'only'; readonly isOn: boolean; readonly untilMs?: number }
  | { readonly kind: 'proof'; readonly mode: ProofMode; readonly service?: string; readonly untilMs?: number }

/**
 * Meant: what is to be said, at least one. `rule`: the one that is added, or drops from now on; `notes`: what the operator ought
 * to know; `until`: the end where the command says none.
 */
export interface Meant {
  readonly sayings: readonly Pick<Saying, 'about' | 'order'>[]
  readonly rule?: Omit<RuleSpec, 'name'>
  readonly notes?: readonly string[]
  readonly until?: number
}

const given = (order: Order): Meant => ({ sayings: [{ about: aboutOf(order), order }] })
const takenBack = (...abouts: readonly string[]): Meant => ({ sayings: abouts.map((about) => ({ about })) })

/** meantBy a command, of the file that runs and what is in force. Throws FLOOD_ORDER_INVALID, FLOOD_ORDER_REFUSED, SERVICE_UNKNOWN. */
export function meantBy(command: FloodCommand, running: DesiredState, said: readonly InForce[]): Meant {
  switch (command.kind) {
    case 'add':
      return added(command, running, said)
    case 'remove': {
      const about = `rule ${command.name}`
      const isSaid = said.some((word) => word.about === about)
      if (isSaid) return takenBack(about)
      const { rules } = running.defence!
      const isFiles = rules.some(({ name }) => name === command.name)
      const known = [...rules.map(({ name }) => name), ...byHand(said)]
      return refuse(
        command,
        'FLOOD_ORDER_REFUSED',
        isFiles
          ? `${command.name} is a rule of the file: change the file, or \`tenbin flood add ${command.name} --action count\``
          : `there is no rule "${command.name}"${didYouMean(command.name, known)}`,
      )
    }
    case 'ban':
      return banned(command, said)
    case 'unban':
      return takenBack(`ban ${networkOf(command, command.source)}`)
    case 'allow': {
      const orders = command.sources.map(
        (source): Order => ({ kind: 'allow', prefix: networkOf(command, source) }),
      )
      return { sayings: orders.map((order) => ({ about: aboutOf(order), order })) }
    }
    case 'disallow':
      return disallowed(command, running, said)
    case 'only':
      return alone(command, running, said)
    case 'proof': {
      const { mode, service } = command
      const names = running.services.map(({ name }) => name)
      if (service !== undefined && !names.includes(service)) {
        const detail = `there is no service "${service}"${didYouMean(service, names)}`
        throw new TenbinError('SERVICE_UNKNOWN', opOf(command), { detail })
      }
      return given({ kind: 'proof', mode, ...(service !== undefined && { service }) })
    }
  }
}

/** banned: no network, and no bans together, are nearly everybody. */
function banned(command: FloodCommand & { readonly kind: 'ban' }, said: readonly InForce[]): Meant {
  const prefix = networkOf(command, command.source)
  const network = tryPrefix(prefix)!
  const alone = 'first `tenbin flood allow` who is let in, then `tenbin flood only on`'
  if (isMost(network))
    refuse(
      command,
      'FLOOD_ORDER_INVALID',
      `${prefix} is a large part of IPv${bitsOf(network.address) === 32 ? 4 : 6}: ban networks of 8 bits and more, or ${alone}`,
    )
  const bans = said.flatMap(({ order }) => (order.kind === 'ban' ? (tryPrefix(order.prefix) ?? []) : []))
  const covered = coveredBy([...bans, network])
  if (covered !== undefined)
    refuse(
      command,
      'FLOOD_ORDER_REFUSED',
      `with the bans in force that is all of IPv${covered}: take some back, or ${alone}`,
    )
  return given({ kind: 'ban', prefix })
}

/** networkOf the words of a command, as formatPrefix writes it. */
function networkOf(command: FloodCommand, text: string): string {
  const read = tryPrefix(text)
  if (read?.isExact && !isEverybody(read)) return formatPrefix(read)
  const why = !read
    ? 'is no network such as 203.0.113.7 or 2001:db8::/48'
    : read.isExact
      ? `is all of IPv${bitsOf(read.address) === 32 ? 4 : 6}`
      : `has bits behind its length: write ${formatPrefix(read)}`
  return refuse(command, 'FLOOD_ORDER_INVALID', `"${text}" ${why}`)
}

/** disallowed: while only who is allowed is let in, somebody has to be left. */
function disallowed(
  command: FloodCommand & { readonly kind: 'disallow' },
  { defence, services }: DesiredState,
  said: readonly InForce[],
): Meant {
  const abouts = command.sources.map((source) => `allow ${networkOf(command, source)}`)
  const left = said.filter(({ about }) => !abouts.includes(about))
  const nobody = isOnlyOn(defence!.only, said) && nobodyOf(allowedWith(defence!.allow, left), services)
  if (nobody) refuse(command, 'FLOOD_ORDER_REFUSED', `${nobody.why}: first \`tenbin flood only off\``)
  return takenBack(...abouts)
}

/** alone: whether only who is allowed is let in; as the file has it is nothing that is said. */
function alone(
  command: FloodCommand & { readonly kind: 'only' },
  { defence, services }: DesiredState,
  said: readonly InForce[],
): Meant {
  const { isOn, untilMs } = command
  const allow = allowedWith(defence!.allow, said)
  const nobody = isOn ? nobodyOf(allow, services) : undefined
  if (nobody)
    refuse(command, 'FLOOD_ORDER_REFUSED', `${nobody.why}: first \`tenbin flood allow ${nobody.example}\``)
  const notes = isOn ? shutBy(allow, services) : []
  if (isOn !== defence!.only) return { ...given({ kind: 'only', isOn }), notes }
  const word = isOn ? 'on' : 'off'
  if (untilMs !== undefined)
    refuse(command, 'FLOOD_ORDER_INVALID', `the file has only ${word} by itself: leave the end out`)
  return { ...takenBack('only'), notes }
}

const isOnlyOn = (files: boolean, said: readonly InForce[]): boolean =>
  said.reduce((isOn, { order }) => (order.kind === 'only' ? order.isOn : isOn), files)

type Added = FloodCommand & { readonly kind: 'add' }

function added(command: Added, { defence, services }: DesiredState, said: readonly InForce[]): Meant {
  const { name, isObserved } = command
  const kept = keptBy(command, said)
  const rule = { ...kept?.order.rule, ...command.rule }
  const { action = 'count', ...others } = rule
  const files = defence!.rules.find((each) => each.name === name)
  if (!files) mustHaveRoom(command, defence!.rules, said)
  const known = files ?? knownRules.get(name)
  if (known) {
    const word = isObserved ? 'count' : action
    if (Object.keys(others).length > 0 || typeof word !== 'string')
      refuse(
        command,
        'FLOOD_ORDER_REFUSED',
        `${name} is a rule already: give only --action count or drop, or another name`,
      )
    const acting = { ...known, action: word as 'count' | 'drop' }
    const fault = breadthFault(acting)
    if (fault !== undefined) refuse(command, 'FLOOD_ORDER_INVALID', fault)
    return {
      ...given({ kind: 'action', name, action: acting.action }),
      ...(acting.action === 'drop' && { rule: acting }),
    }
  }
  const faults: string[] = []
  const fault = nameFault(name)
  if (fault !== undefined) faults.push(fault)
  const read = checkedRule(rule, services, (message, ...at) =>
    faults.push(at.length === 0 ? message : `${at.join('.')}: ${message}`),
  )
  if (Object.keys(others).every((key) => key === 'record' || key === 'services'))
    faults.push('it says nothing of what it matches: write --tcp syn, --window 0, --source 203.0.113.0/24')
  if (faults.length > 0) refuse(command, 'FLOOD_ORDER_INVALID', faults.join('; '))
  const { until } = kept ?? {}
  return {
    ...given({ kind: 'rule', name, rule, isObserved }),
    rule: isObserved ? { ...read, action: 'count' } : read,
    ...(until !== undefined && { until }),
  }
}

/** keptBy a command that gives a rule by hand another action: what it matches, and its end. */
function keptBy({ name, rule: { action, ...others }, isObserved }: Added, said: readonly InForce[]) {
  if (Object.keys(others).length > 0 || (action === undefined && !isObserved)) return undefined
  return said.find((word): word is InForce & { readonly order: Order & { kind: 'rule' } } => {
    const { order } = word
    return order.kind === 'rule' && order.name === name
  })
}

/** mustHaveRoom for one rule more; one that ships and the file has off is one when it is given an action. */
function mustHaveRoom(
  command: FloodCommand & { readonly kind: 'add' },
  files: readonly RuleSpec[],
  said: readonly InForce[],
): void {
  const names = new Set(files.map(({ name }) => name))
  for (const name of byHand(said)) names.add(name)
  if (names.delete(command.name) || names.size < RULES_LIMIT) return
  refuse(command, 'FLOOD_ORDER_REFUSED', `there are ${RULES_LIMIT} rules: remove some first`)
}

/** byHand: rules that are there because of what was said, or may be. */
const byHand = (said: readonly InForce[]): string[] =>
  said.flatMap(({ order }) =>
    order.kind === 'rule' || (order.kind === 'action' && order.action !== 'off') ? [order.name] : [],
  )

/** opOf a command: what was tried, for errors. */
export const opOf = (command: FloodCommand): string => `flood ${command.kind}`

/** refuse a command. */
export function refuse(
  command: FloodCommand,
  code: 'FLOOD_ORDER_INVALID' | 'FLOOD_ORDER_REFUSED',
  detail: string,
): never {
  throw new TenbinError(code, opOf(command), { detail })
}

/** orderText: an order as an event tells it. */
export function orderText(order: Order, until: number | undefined): string {
  const end = until === undefined ? '' : ` until ${new Date(until).toISOString()}`
  switch (order.kind) {
    case 'rule': {
      const { action = 'count', services } = order.rule
      const does = order.isObserved
        ? 'observes'
        : typeof action === 'string'
          ? action
          : `limit ${action.limit}`
      const of = services === undefined ? '' : ` of ${[services].flat().join(', ')}`
      return `rule ${order.name} added by hand${end}: ${does}${of}`
    }
    case 'action':
      return `rule ${order.name} set to ${order.action} by hand${end}`
    case 'ban':
      return `${order.prefix} banned by hand${end}`
    case 'allow':
      return `${order.prefix} allowed by hand${end}`
    case 'only':
      return `${order.isOn ? 'only who is allowed is let in' : 'who is not allowed is let in, too'}, by hand${end}`
    case 'proof':
      return `proof of source of ${order.service ?? 'all services'} set to ${order.mode} by hand${end}`
  }
}

/** takenBackText: the same of what no longer holds. */
export const takenBackText = (about: string): string => `${about}: what was said by hand is taken back`
