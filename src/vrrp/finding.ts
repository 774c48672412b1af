// What a virtual router noticed and somebody ought to know: defects of adverts, misconfigured peers, conflicts, its own
// failings. Its idea: each is a value with a name, and how often one is told is bounded, since most of them can be caused
// by whoever is on the link: once a minute for each name and sender, with the number left out, of eight senders for each
// name, so that one kind of noise hides no other. Pure.

import type { Ip } from '../base/addresses.ts'
import type { VrrpDefect } from '../wire/vrrp.ts'
import type { VrrpChecksum } from '../wire/vrrp-checksum.ts'
import type { TrailerDefect } from '../wire/vrrp-trailer.ts'

/** Mismatch: what an advert has, and what this node's configuration says. */
interface Mismatch<Name extends string> {
  readonly name: Name
  readonly got: number
  readonly expected: number
}

/** Refusal: why an advert counted nothing. */
export type Refusal =
  | VrrpDefect
  | TrailerDefect
  | { readonly name: 'trailer-replayed'; readonly why: 'seen' | 'too-old' }
  /** Of a start of the sender's before one that was heard. */
  | Mismatch<'trailer-old-boot'>
  /** It has crossed a router (RFC 9568 7.1), or come further than a unicast peer may be. */
  | Mismatch<'ttl'>
  | Mismatch<'version-mismatch'>
  | Mismatch<'vrid-mismatch'>
  /** Version 2: intervals must be the same (RFC 3768 7.1). In ms. */
  | Mismatch<'interval-mismatch'>
  | Mismatch<'auth-mismatch'>
  | { readonly name: 'password' }
  /** From nobody who was named as a peer. */
  | { readonly name: 'stranger' }
  /** From this node's own address: a loop, or two nodes with one address. */
  | { readonly name: 'own-address' }

/** Remark: what is odd about an advert that counted all the same. */
export type Remark =
  /** Version 3: instability can follow (RFC 9568 5.2.7); the sender's counts. In ms. */
  | Mismatch<'interval-differs'>
  /** No address is of this virtual router: somebody else has taken the VRID on this link. */
  | { readonly name: 'vrid-clash'; readonly addresses: readonly Ip[] }
  /** Others than ours: a peer of another configuration. */
  | { readonly name: 'addresses-differ'; readonly addresses: readonly Ip[] }
  /** The sender's form of checksum is not the one sent to it. */
  | { readonly name: 'checksum-form'; readonly got: VrrpChecksum; readonly expected: VrrpChecksum }
  | { readonly name: 'trailer-unexpected' }
  /** Both own the addresses (erratum 8298 of RFC 9568 7.1). */
  | { readonly name: 'two-owners' }

/** Incident: what the machine found out. */
export type Incident =
  /** Somebody else was active as well, and has less right to be. */
  { readonly name: 'conflict'; readonly priority: number } | GroupIncident

/** GroupIncident: what concerns all virtual routers of an address set alike. */
export type GroupIncident =
  /** The process was not run for so long that its role had to be given up, or a takeover put off. */
  | { readonly name: 'overslept'; readonly role: 'active' | 'backup'; readonly lateMs: number }
  /** Too many takeovers: preempts nobody for a while. `over`: there were none for long enough. */
  | { readonly name: 'flapping'; readonly takeovers: number; readonly withinMs: number }
  | { readonly name: 'flapping-over' }
  /** Members (network and family) on which nobody is heard, while the active node is on another one; or no longer. */
  | { readonly name: 'unheard'; readonly members: readonly string[]; readonly heardOn: string }
  | { readonly name: 'heard-again' }

export type Finding = Refusal | Remark | Incident

/** EVERY_MS: how often one finding about one sender is told. */
export const EVERY_MS = 60_000
/** SENDERS: how many are kept apart for each name. */
export const SENDERS = 8

interface Told {
  readonly name: Finding['name']
  readonly at: number
  readonly left: number
}

/** Reports: what was told when, by name and sender. */
export type Reports = ReadonlyMap<string, Told>
export const noReports: Reports = new Map()

/** Admission: `left` undefined: not now; else how many like it were left out since the last one told. */
export interface Admission {
  readonly reports: Reports
  readonly left: number | undefined
}

/** admitReport: whether a finding is told at `now`. */
export function admitReport(
  reports: Reports,
  { name }: Finding,
  from: Ip | undefined,
  now: number,
): Admission {
  const key = [name, from ?? ''].join(' ')
  const told = reports.get(key)
  if (told !== undefined && now < told.at + EVERY_MS)
    return { reports: new Map(reports).set(key, { ...told, left: told.left + 1 }), left: undefined }
  const kept = new Map(reports)
  if (told === undefined) {
    for (const [each, { at }] of kept) if (now >= at + EVERY_MS) kept.delete(each)
    const senders = [...kept.values()].filter((each) => each.name === name).length
    if (senders >= SENDERS) return { reports, left: undefined }
  }
  return { reports: kept.set(key, { name, at: now, left: 0 }), left: told?.left ?? 0 }
}
