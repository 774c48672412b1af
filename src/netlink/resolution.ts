// Resolution: what is known of how one address is reached on the link, and how that changes with what the kernel
// says of its neighbour entry. A pure machine. Its idea: a MAC, once known, stays usable through STALE, DELAY,
// PROBE, through a flush of the table and while the kernel asks anew; only FAILED, which means that nobody
// answered, takes it away, and only an answer brings it back (FAILED entries are asked again and again, and a
// server must not look different each time).
//
//   asking --answer--> {mac} --FAILED--> failed --answer--> {mac}
//      '-----FAILED------------------------^

import { type Ip, isIp4, type Mac } from '../base/addresses.ts'
import type { NeighbourEntry } from './neighbours.ts'

/** Resolution: the MAC to send to, or the reason why there is none. */
export type Resolution = { readonly mac: Mac } | Silence
/** Silence: there is no MAC, and why. */
export interface Silence {
  readonly why: string
}

/** asking: nobody has answered yet. */
export const asking: Silence = { why: 'neighbour INCOMPLETE: asking' }
/** failed, failed6: nobody answered, for IPv4 and for IPv6. */
export const failed: Silence = { why: 'neighbour FAILED: no answer to ARP' }
export const failed6: Silence = { why: 'neighbour FAILED: no answer to neighbour discovery' }

/** offLink: the address is not on the link. */
export const offLink = (why: string): Resolution => ({ why: `${OFF_LINK}: ${why}` })
const OFF_LINK = 'no route on the link'
/** isOffLink: of offLink's. */
export const isOffLink = (resolution: Resolution): boolean =>
  'why' in resolution && resolution.why.startsWith(OFF_LINK)

/** isFailed: nobody answered. */
export const isFailed = (resolution: Resolution): boolean =>
  sameResolution(resolution, failed) || sameResolution(resolution, failed6)

const failedOf = (address: Ip): Resolution => (isIp4(address) ? failed : failed6)

/** learn: the next resolution after the kernel told of the neighbour's entry; undefined = it has none. */
export function learn(known: Resolution, entry: NeighbourEntry | undefined): Resolution {
  switch (entry?.state) {
    case 'REACHABLE':
    case 'STALE':
    case 'DELAY':
    case 'PROBE':
    case 'PERMANENT':
    case 'NOARP':
      return entry.mac === undefined ? { why: `neighbour ${entry.state} without a MAC` } : { mac: entry.mac }
    case 'FAILED':
      return failedOf(entry.address)
    case 'INCOMPLETE':
    case 'NONE':
    case undefined:
      return 'mac' in known || isFailed(known) ? known : asking
  }
}

/** sameResolution compares two by value. */
export const sameResolution = (a: Resolution, b: Resolution): boolean =>
  'mac' in a ? 'mac' in b && a.mac === b.mac : 'why' in b && a.why === b.why
