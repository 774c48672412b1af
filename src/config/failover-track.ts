// `track:` of an address set: things on which a node's fitness for it depends, each with what it is worth while it is down
// (vrrp/tracking.ts adds them up).

import { posix } from 'node:path'
import { formatIp } from '../base/addresses.ts'
import { didYouMean } from '../base/nearest.ts'
import { durationAt } from './bounded-duration.ts'
import { describe } from './check-shape.ts'
import type { Whole } from './failover.ts'
import type { TrackedThing, TrackRule } from './failover-spec.ts'
import { hostAddress } from './host-address.ts'
import { checkRole } from './named.ts'
import { checkUser } from './probe-words.ts'
import type { AddressSetShape, TrackShape } from './schema-addresses.ts'
import { inside, type Path, type Place } from './source.ts'
import type { AddressPart } from './state.ts'

const KINDS = ['link', 'service', 'script', 'file', 'reach'] as const
type Kind = (typeof KINDS)[number]
/** Keys that some kinds only have. */
const OF: Readonly<Partial<Record<keyof TrackShape, readonly Kind[]>>> = {
  every: ['script', 'reach'],
  timeout: ['script'],
  user: ['script'],
}
const RULES = 32
const ADDRESSES = 16
const EVERY = { min: 100, max: 3_600_000 }
/** FALLS: looks in a row that say down before it counts, unless `fall` says otherwise. */
const FALLS = 3

/** resolveTrack: in the file's order. */
export function resolveTrack(
  { track = [] }: AddressSetShape,
  parts: readonly AddressPart[],
  place: Place,
  whole: Whole,
): TrackRule[] {
  const rules: TrackRule[] = []
  if (track.length > RULES)
    whole.findings.add(inside(place, 'track', RULES), `more than ${RULES} things are tracked: leave some out`)
  for (const [index, shape] of track.entries()) {
    const at = inside(place, 'track', index)
    const rule = ruleOf(shape, parts, at, whole)
    if (!rule) continue
    if (rules.some(({ name }) => name === rule.name))
      whole.findings.add(at, `${rule.name} is tracked twice: remove one of them`)
    rules.push(rule)
  }
  return rules
}

function ruleOf(
  shape: TrackShape,
  parts: readonly AddressPart[],
  at: Place,
  whole: Whole,
): TrackRule | undefined {
  const { findings } = whole
  const say = (message: string, ...more: Path) => findings.add(inside(at, ...more), message)
  const kinds = KINDS.filter((kind) => shape[kind] !== undefined)
  const [kind] = kinds
  if (kinds.length !== 1 || !kind) {
    say(
      kinds.length === 0
        ? `write what is tracked: ${KINDS.join(', ')}`
        : `${kinds.join(' and ')} are two things: write an entry for each`,
    )
    return undefined
  }
  for (const key of Object.keys(OF) as (keyof TrackShape)[])
    if (shape[key] !== undefined && !OF[key]!.includes(kind))
      say(`${key} belongs to ${OF[key]!.join(' or ')}, not to ${kind}`, key)
  const thing = thingOf(kind, shape, parts, at, whole)
  if (shape.weight !== undefined && shape.fault === true)
    say('a fault needs no weight: leave one of them out', 'weight')
  if (shape.weight === undefined && shape.fault === false)
    say('it would be worth nothing: write a weight, such as -50', 'fault')
  const everyMs = 'everyMs' in thing ? thing.everyMs : 0
  const duration = (text: string | undefined, otherwise: number, key: string) =>
    durationAt(text, { min: 0, max: EVERY.max, otherwise }, inside(at, key), findings)
  return {
    name: nameOf(thing),
    thing,
    weight: shape.weight ?? 'fault',
    riseMs: duration(shape.rise, Math.max(1000, (FALLS - 1) * everyMs), 'rise'),
    fallMs: duration(shape.fall, (FALLS - 1) * everyMs, 'fall'),
  }
}

function thingOf(
  kind: Kind,
  shape: TrackShape,
  parts: readonly AddressPart[],
  at: Place,
  { merged, findings }: Whole,
): TrackedThing {
  const say = (message: string, ...more: Path) => findings.add(inside(at, ...more), message)
  const every = (otherwise: number) =>
    durationAt(shape.every, { ...EVERY, otherwise }, inside(at, 'every'), findings)
  switch (kind) {
    case 'link': {
      const role = shape.link!
      checkRole(role, inside(at, 'link'), merged, findings)
      if (parts.some(({ on }) => on === role))
        say(`${role} is the set's own: its link is a fault anyway; leave this out`, 'link')
      return { kind, role }
    }
    case 'service': {
      const service = shape.service!
      const names = merged.services.map(({ name }) => name)
      if (!names.includes(service) && !merged.incomplete.has('services'))
        say(
          `${describe(service)} is no service${didYouMean(service, names) || ': add it to services'}`,
          'service',
        )
      return { kind, service }
    }
    case 'script': {
      const { script: command = [], user = 'nobody' } = shape
      if (!command[0]?.startsWith('/') || command.some((word) => word.includes('\0')))
        say('a script is named by its whole path: write [/usr/local/bin/fit]', 'script')
      checkUser(user, say)
      const everyMs = every(2000)
      const bounds = { min: EVERY.min, max: everyMs, otherwise: everyMs }
      const timeoutMs = durationAt(shape.timeout, bounds, inside(at, 'timeout'), findings)
      return { kind, command: [...command], user, everyMs, timeoutMs }
    }
    case 'file': {
      const path = shape.file!
      if (!path.startsWith('/') || path.includes('\0'))
        say(`${describe(path)} is not a whole path: write it from / on`, 'file')
      else if (/^\/(var\/)?tmp\//.test(posix.normalize(path)))
        say(
          `${path} cannot be tracked: systemd gives the process that looks for it a /tmp of its own, and anybody may write there: take one in /etc/tenbin or /run`,
          'file',
        )
      return { kind, path }
    }
    case 'reach': {
      const texts = [shape.reach ?? []].flat()
      if (texts.length === 0 || texts.length > ADDRESSES)
        say(`reach takes 1 to ${ADDRESSES} addresses`, 'reach')
      const addresses = texts.flatMap(
        (text, index) =>
          hostAddress(
            text,
            Array.isArray(shape.reach) ? inside(at, 'reach', index) : inside(at, 'reach'),
            findings,
          ) ?? [],
      )
      return { kind, addresses, everyMs: every(1000) }
    }
  }
}

/** nameOf a thing, as status and events have it. */
function nameOf(thing: TrackedThing): string {
  switch (thing.kind) {
    case 'link':
      return `link:${thing.role}`
    case 'service':
      return `service:${thing.service}`
    case 'script':
      return `script:${thing.command.join(' ')}`
    case 'file':
      return `file:${thing.path}`
    case 'reach':
      return `reach:${thing.addresses.map(formatIp).join(',')}`
  }
}
