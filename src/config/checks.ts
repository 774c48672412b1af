// `check:` resolved: one kind, its options in full, its times. What contradicts itself is a finding here; whether it can
// be done on this machine (files, users) is for who does it. What a probe means is probes.ts's.

import { type Ip, isIp4, tryIp4, tryIp6 } from '../base/addresses.ts'
import { parseDuration } from '../base/durations.ts'
import { TenbinError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'
import { describe } from './check-shape.ts'
import { type CheckSpec, type Probe, RHYTHM, type Rhythm, type SingleProbe } from './check-spec.ts'
import { whyNotThrough } from './check-via.ts'
import type { Findings } from './findings.ts'
import { KINDS, type Kind, type KindShapes, plainProbe, resolveProbe } from './probes.ts'
import { type CheckMap, type CheckShape, type PartShape, PLAIN_KINDS } from './schema-check.ts'
import { inside, keyOf, type Place } from './source.ts'

/** Check: none, or one; `interface` is a role yet. */
export type Check = CheckSpec | 'none'

/** BOUNDS: of times in ms. */
const BOUNDS = {
  every: { min: 10, max: 3_600_000, words: '10ms to 1h' },
  timeout: { min: 10, max: 300_000, words: '10ms to 5m' },
  in_doubt: { min: 10, max: 3_600_000, words: '10ms to 1h' },
  delay: { min: 1, max: 3_600_000, words: '1ms to 1h' },
} as const

const EXAMPLE = '{ http: /health, every: 3s }'

/** resolveCheck: undefined where a finding was added that leaves nothing. `roles`: of interfaces; undefined: not known. */
export function resolveCheck(
  value: CheckShape,
  at: Place,
  roles: ReadonlySet<string> | undefined,
  findings: Findings,
): Check | undefined {
  if (value === 'none') return 'none'
  if (typeof value === 'string') {
    const probe = resolvePlain(value, at, findings, ['none'])
    if (probe?.kind === 'agent') findings.add(at, AGENT_PORT)
    return probe && { probe, rhythm: RHYTHM, observe: false }
  }
  const before = findings.count
  const probe = resolveWhole(value, at, findings)
  const rhythm = resolveRhythm(value, at, findings)
  const addresses = resolveAddresses(value, at, findings)
  if (value.interface !== undefined && roles && !roles.has(value.interface)) {
    const remedy = didYouMean(value.interface, roles) || ': add it there'
    findings.add(inside(at, 'interface'), `${describe(value.interface)} is not in interfaces${remedy}`)
  }
  if (value.via !== undefined && probe) checkVia(value, probe, at, findings)
  if (probe) checkScriptAlone(value, probe, at, findings)
  if (!probe || findings.count > before) return undefined
  return {
    probe,
    rhythm,
    observe: value.observe === true,
    ...addresses,
    ...(value.port !== undefined && { port: value.port }),
    ...(value.mark !== undefined && { mark: value.mark }),
    ...(value.interface !== undefined && { interface: value.interface }),
    ...(value.via !== undefined && { via: 'service' as const }),
  }
}

/** checkScriptAlone: how a script connects, if it does, is its own affair. */
function checkScriptAlone(value: CheckMap, probe: Probe, at: Place, findings: Findings): void {
  const probes = 'of' in probe ? probe.of.map((part) => part.probe) : [probe]
  if (!probes.every(({ kind }) => kind === 'script')) return
  for (const key of ['source', 'mark', 'interface'] as const)
    if (value[key] !== undefined)
      findings.add(
        keyOf(inside(at, key)),
        `a script connects as it likes, so ${key} says nothing to it: remove it, or write it into command`,
      )
}

/** checkVia: what does not go through a service address, or says where it goes otherwise. */
function checkVia(value: CheckMap, probe: Probe, at: Place, findings: Findings): void {
  if (value.via !== 'service')
    findings.add(
      inside(at, 'via'),
      `${describe(value.via)} is no way of a check: write service, or remove via`,
    )
  const why = whyNotThrough(probe)
  if (why !== undefined) findings.add(inside(at, 'via'), why)
  for (const key of ['address', 'source', 'mark', 'interface'] as const)
    if (value[key] !== undefined)
      findings.add(
        keyOf(inside(at, key)),
        `via: service says where a check goes, and so does ${key}: remove one of them`,
      )
}

const AGENT_PORT = 'an agent answers on a port of its own: write { agent: {}, port: 9999 }'

function resolvePlain(
  word: string,
  at: Place,
  findings: Findings,
  others: readonly string[] = [],
): SingleProbe | undefined {
  if ((PLAIN_KINDS as readonly string[]).includes(word))
    return plainProbe(word as (typeof PLAIN_KINDS)[number], at, findings)
  const remedy = KINDS.includes(word as Kind)
    ? `: say more of it, such as ${EXAMPLE}`
    : didYouMean(word, [...others, ...KINDS]) ||
      `: write ${[...others, ...PLAIN_KINDS].join(', ')}, or ${EXAMPLE}`
  findings.add(at, `${describe(word)} is not a check by itself${remedy}`)
  return undefined
}

/** resolveWhole: the one kind of a check, or all or any of several. */
function resolveWhole(value: CheckMap, at: Place, findings: Findings): Probe | undefined {
  const said = [...KINDS, 'all' as const, 'any' as const].filter((name) => value[name] !== undefined)
  const [kind, other] = said
  if (kind === undefined) {
    findings.add(at, `a check says of which kind it is, one of ${KINDS.join(', ')}: write ${EXAMPLE}`)
    return undefined
  }
  if (other !== undefined) {
    const both = `{ all: [{ ${kind}: … }, { ${other}: … }] }`
    const remedy =
      other === 'all' || other === 'any'
        ? 'put one into the other, or remove it'
        : `write ${both}, or remove one of them`
    findings.add(keyOf(inside(at, other)), `${kind} and ${other} at once: ${remedy}`)
    return undefined
  }
  if (kind !== 'all' && kind !== 'any') {
    checkPort(kind, value.port, at, findings)
    return resolveProbe(kind, value[kind] as KindShapes[Kind], inside(at, kind), findings)
  }
  const place = inside(at, kind)
  const list = value[kind]!
  if (list.length < 2) findings.add(place, `${kind} takes two checks or more`)
  const of = list.flatMap(
    (each, index) => resolvePart(each, value.port, inside(place, index), findings) ?? [],
  )
  return { kind, of }
}

function resolvePart(value: string | PartShape, port: number | undefined, at: Place, findings: Findings) {
  if (typeof value === 'string') {
    const probe = resolvePlain(value, at, findings)
    if (probe) checkPort(probe.kind, port, at, findings)
    return probe && { probe }
  }
  const said = KINDS.filter((name) => value[name] !== undefined)
  const [kind] = said
  if (kind === undefined || said.length > 1) {
    findings.add(
      at,
      `each of these is one check${kind === undefined ? '' : `, and this is ${said.join(' and ')}`}: write { http: /health, port: 80 }`,
    )
    return undefined
  }
  checkPort(kind, value.port ?? port, at, findings)
  if (kind === 'ping' && value.port !== undefined) return undefined
  const probe = resolveProbe(kind, value[kind] as KindShapes[Kind], inside(at, kind), findings)
  return probe && { probe, ...(value.port !== undefined && { port: value.port }) }
}

function checkPort(kind: string, port: number | undefined, at: Place, findings: Findings): void {
  if (kind === 'ping' && port !== undefined) findings.add(inside(at, 'port'), 'ping has no port: remove it')
  if (kind === 'agent' && port === undefined) findings.add(at, AGENT_PORT)
}

function resolveRhythm(value: CheckMap, at: Place, findings: Findings): Rhythm {
  const of = (key: keyof typeof BOUNDS, otherwise: number): number => {
    const text = value[key]
    return text === undefined
      ? otherwise
      : (millisecondsOf(key, text, inside(at, key), findings) ?? otherwise)
  }
  const everyMs = of('every', RHYTHM.everyMs)
  const inDoubtMs = of('in_doubt', Math.min(RHYTHM.inDoubtMs, everyMs))
  if (inDoubtMs > everyMs)
    findings.add(
      inside(at, 'in_doubt'),
      'in doubt a server is looked at more often than otherwise: write less than every',
    )
  return {
    everyMs,
    inDoubtMs: Math.min(inDoubtMs, everyMs),
    timeoutMs: of('timeout', RHYTHM.timeoutMs),
    delayMs: of('delay', 0),
    fall: value.fall ?? RHYTHM.fall,
    rise: value.rise ?? RHYTHM.rise,
  }
}

function millisecondsOf(
  key: keyof typeof BOUNDS,
  text: string,
  place: Place,
  findings: Findings,
): number | undefined {
  const { min, max, words } = BOUNDS[key]
  try {
    const ms = parseDuration(text)
    if (ms >= min && ms <= max) return ms
    findings.add(place, `${text} is out of range: ${key} is ${words}`)
  } catch (error) {
    if (!(error instanceof TenbinError)) throw error
    findings.add(place, error.detail ?? error.message)
  }
  return undefined
}

function resolveAddresses(
  value: CheckMap,
  at: Place,
  findings: Findings,
): { address?: string; source?: string } {
  const of = (key: 'address' | 'source'): Ip | undefined => {
    const text = value[key]
    if (text === undefined) return undefined
    const ip = tryIp4(text) ?? tryIp6(text)
    if (ip === undefined) findings.add(inside(at, key), `${describe(text)} is not an IPv4 or IPv6 address`)
    return ip
  }
  const [address, source] = [of('address'), of('source')]
  if (address !== undefined && source !== undefined && isIp4(address) !== isIp4(source))
    findings.add(inside(at, 'source'), 'address and source are of two families: write both of one')
  return {
    ...(value.address !== undefined && { address: value.address }),
    ...(value.source !== undefined && { source: value.source }),
  }
}
