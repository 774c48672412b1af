// What `vrid` and the keys beside it say of an address set, resolved: who is preferred, how often adverts go, what goes with
// which version of VRRP. Its idea: all that could make two nodes disagree is decided here, from the file alone, so that it is
// the same on each. Other files: what is tracked (failover-track.ts), routes (failover-routes.ts), peers by address
// (failover-unicast.ts).

import { formatIp, isIp4 } from '../base/addresses.ts'
import { didYouMean } from '../base/nearest.ts'
import { durationAt } from './bounded-duration.ts'
import { describe } from './check-shape.ts'
import { resolveRoutes } from './failover-routes.ts'
import type { Failover, FailoverAuth } from './failover-spec.ts'
import { resolveTrack } from './failover-track.ts'
import { resolveUnicast } from './failover-unicast.ts'
import type { Findings } from './findings.ts'
import type { Merged } from './merge.ts'
import { type AddressSetShape, MOVING } from './schema-addresses.ts'
import { inside, keyOf, type Path, type Place } from './source.ts'
import { type AddressPart, addressesOf, type NodeState, ONLY_NODE } from './state.ts'

/** Whole: the file around an address set. */
export interface Whole {
  readonly merged: Merged
  readonly nodes: readonly NodeState[]
  readonly findings: Findings
}

/** FAILOVER: what is not said. `preferred` is the node of `prefer`; the others have `usual`, one less each. */
export const FAILOVER = { advertMs: 1000, preferred: 200, usual: 100, repeatMs: 5000, refreshMs: 0 } as const
const OWNER = 255
/** ADDRESSES: as many as an advert has room for in a frame of 1500 bytes, with a trailer. */
const ADDRESSES = { 4: 255, 6: 80 } as const
const DAY_MS = 86_400_000

type Say = (message: string, ...at: Path) => void

/** resolveFailover: undefined where there is none, or where `vrid` is missing. */
export function resolveFailover(
  shape: AddressSetShape,
  parts: readonly AddressPart[],
  place: Place,
  { merged, nodes, findings }: Whole,
): Failover | undefined {
  const say: Say = (message, ...at) => findings.add(inside(place, ...at), message)
  const { vrid, checksum = 'rfc5798', mac = 'interface', accept = true } = shape
  if (vrid === undefined) {
    for (const key of MOVING)
      if (shape[key] !== undefined)
        findings.add(
          keyOf(inside(place, key)),
          `${key} is of failover, which needs a vrid: write vrid: 51 too`,
        )
    return undefined
  }
  const version = shape.version === 2 ? 2 : 3
  checkVersion(shape, parts, version, say)
  checkWord('checksum', checksum, ['rfc5798', 'rfc9568'], say)
  checkWord('mac', mac, ['interface', 'virtual'], say)
  const known = merged.incomplete.has('nodes') ? undefined : nodes.map(({ name }) => name)
  const unicast = resolveUnicast(shape, parts, place, { merged, nodes, findings })
  if (shape.min_ttl !== undefined && shape.unicast === undefined)
    say('min_ttl is of adverts by unicast: by multicast they come from the link itself, with 255', 'min_ttl')
  const auth = authOf(shape, version, say)
  const duration = (text: string | undefined, otherwise: number, ...at: Path) =>
    durationAt(text, { min: 1000, max: DAY_MS, otherwise }, inside(place, ...at), findings)
  return {
    ...{ vrid, version, checksum: checksum as Failover['checksum'], mac: mac as Failover['mac'], accept },
    priorities: prioritiesOf(shape, known, say),
    advertMs: advertOf(shape, version, place, findings),
    ...preemptOf(shape, place, findings),
    ...(unicast && { unicast }),
    ...(shape.min_ttl !== undefined && { minTtl: shape.min_ttl }),
    ...(auth && { auth }),
    announce: {
      repeatMs: duration(shape.announce?.repeat, FAILOVER.repeatMs, 'announce', 'repeat'),
      refreshMs: duration(shape.announce?.refresh, FAILOVER.refreshMs, 'announce', 'refresh'),
    },
    routes: resolveRoutes(shape, parts, place, { merged, nodes, findings }),
    track: resolveTrack(shape, parts, place, { merged, nodes, findings }),
  }
}

function checkWord(key: 'checksum' | 'mac', word: string, known: readonly string[], say: Say): void {
  if (known.includes(word)) return
  say(`${describe(word)} is not known: write ${known.join(' or ')}${didYouMean(word, known)}`, key)
}

function checkVersion(shape: AddressSetShape, parts: readonly AddressPart[], version: 2 | 3, say: Say): void {
  for (const { on, addresses } of parts) {
    const of = { 4: addresses.filter(({ address }) => isIp4(address)).length, 6: 0 }
    of[6] = addresses.length - of[4]
    for (const family of [4, 6] as const)
      if (of[family] > ADDRESSES[family])
        say(
          `${of[family]} IPv${family} addresses on ${on}: an advert has room for ${ADDRESSES[family]}; make another set of the rest, with a vrid of its own`,
          'ips',
        )
  }
  if (version === 3) return
  const six = addressesOf({ parts }).find(({ address }) => !isIp4(address))
  if (six) say(`version 2 is for IPv4 only, and the set has ${formatIp(six.address)}`, 'version')
  if (shape.checksum !== undefined)
    say('version 2 has one form of checksum: leave "checksum" out', 'checksum')
}

/** prioritiesOf each node: as said, or the preferred one's and the others' in the file's order. */
function prioritiesOf(
  { prefer, priorities }: AddressSetShape,
  known: readonly string[] | undefined,
  say: Say,
): Record<string, number> {
  const isKnown = (node: string) => known === undefined || known.includes(node)
  const unknown = (node: string) =>
    `${describe(node)} is no node${didYouMean(node, known ?? []) || ': add it to nodes'}`
  if (prefer !== undefined && priorities !== undefined)
    say('priorities say already who is preferred: leave one of them out', 'prefer')
  if (prefer !== undefined && !isKnown(prefer)) say(unknown(prefer), 'prefer')
  if (priorities) {
    for (const node of Object.keys(priorities)) if (!isKnown(node)) say(unknown(node), 'priorities', node)
    const missing = known?.find((node) => !Object.hasOwn(priorities, node))
    if (missing !== undefined) say(`no priority for ${missing}: add ${missing}: 100`, 'priorities')
    const owners = Object.keys(priorities).filter((node) => priorities[node] === OWNER)
    if (owners.length > 1)
      say(
        `${owners.join(' and ')} cannot both own the addresses: 255 is one node's`,
        'priorities',
        owners[1]!,
      )
    return { ...priorities }
  }
  const others = (known ?? []).filter((node) => node !== prefer)
  const usual = others.map((node, at) => [node, Math.max(1, FAILOVER.usual - at)] as const)
  if (known?.length === 0) return { [ONLY_NODE]: FAILOVER.usual }
  return Object.fromEntries([
    ...(prefer === undefined ? [] : [[prefer, FAILOVER.preferred] as const]),
    ...usual,
  ])
}

function advertOf({ advert }: AddressSetShape, version: 2 | 3, place: Place, findings: Findings): number {
  const [min, max, step] = version === 3 ? [10, 40_950, 10] : [1000, 255_000, 1000]
  const at = inside(place, 'advert')
  const ms = durationAt(advert, { min, max, otherwise: FAILOVER.advertMs }, at, findings)
  if (ms % step === 0) return ms
  const words = version === 3 ? 'version 3 counts in steps of 10ms' : 'version 2 counts in whole seconds'
  findings.add(at, `${advert} cannot be said in an advert: ${words}`)
  return FAILOVER.advertMs
}

function preemptOf(
  { preempt, prefer, priorities }: AddressSetShape,
  place: Place,
  findings: Findings,
): Pick<Failover, 'preempt' | 'preemptDelayMs'> {
  if (typeof preempt !== 'string')
    return {
      preempt: preempt ?? (prefer !== undefined || priorities !== undefined),
      preemptDelayMs: 0,
    }
  const bounds = { min: 0, max: DAY_MS, otherwise: 0 }
  return { preempt: true, preemptDelayMs: durationAt(preempt, bounds, inside(place, 'preempt'), findings) }
}

function authOf({ auth }: AddressSetShape, version: 2 | 3, say: Say): FailoverAuth | undefined {
  if (!auth) return undefined
  const { pass, hmac } = auth
  if ((pass === undefined) === (hmac === undefined)) {
    say('write either pass (version 2) or hmac (version 3)', 'auth')
    return undefined
  }
  const files = [pass ?? hmac ?? []].flat()
  for (const file of files)
    if (!file.startsWith('/') || file.includes('\0'))
      say(`${describe(file)} is not a whole path: write it from / on`, 'auth', pass ? 'pass' : 'hmac')
  if (pass !== undefined) {
    if (version === 3)
      say('version 3 has no passwords (RFC 9568 9): write hmac, or version: 2', 'auth', 'pass')
    return { kind: 'pass', file: pass }
  }
  if (version === 2) say('hmac is of version 3: write pass, or version: 3', 'auth', 'hmac')
  if (files.length === 0 || files.length > 2)
    say('hmac takes one file, or two while keys are exchanged: [NEW, OLD]', 'auth', 'hmac')
  return { kind: 'hmac', files }
}
