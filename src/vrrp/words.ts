// What happened to a virtual router, in words for events and status. Pure.

import { formatIp } from '../base/addresses.ts'
import type { Why } from './event.ts'
import type { Finding } from './finding.ts'

/** whyText: why a role changed, in a few words. */
export function whyText(why: Why): string {
  switch (why.name) {
    case 'startup':
      return 'it begins'
    case 'silence':
      return 'nobody active was heard any more'
    case 'preempted':
      return 'the active node has a lower priority'
    case 'other-left':
      return 'the active node gave its role up'
    case 'overslept':
      return 'this node was not run for too long'
    case 'group':
      return 'the rest of the address set moves'
    case 'succeeded':
      return 'its set was active here until it was changed'
    case 'owner':
      return 'this node owns the addresses'
    case 'higher':
      return `${formatIp(why.from)} is active with priority ${why.priority}`
    case 'shutdown':
    case 'yield':
      return why.text
    default:
      return why satisfies never
  }
}

const seconds = (ms: number): string => `${Math.round(ms) / 1000} s`
const addressesOf = (ips: readonly Parameters<typeof formatIp>[0][]): string => ips.map(formatIp).join(', ')

/** findingText: what was noticed; of whom is told beside it. */
export function findingText(finding: Finding): string {
  switch (finding.name) {
    case 'truncated':
      return `an advert of ${finding.got} bytes that should have ${finding.needed}`
    case 'version':
      return `a packet of VRRP version ${finding.got}`
    case 'type':
      return `a VRRP packet of type ${finding.got}, which is no advert`
    case 'checksum':
      return 'an advert with a wrong checksum'
    case 'vrid':
      return 'an advert with VRID 0'
    case 'count':
      return 'an advert without addresses'
    case 'interval':
      return 'an advert with an interval of 0'
    case 'auth-type':
      return `an advert with authentication of type ${finding.got}, which is not supported`
    case 'trailer-missing':
      return 'an advert without the HMAC that this virtual router asks for'
    case 'trailer-format':
      return 'an advert with something behind it that is no HMAC trailer'
    case 'trailer-key':
      return `an advert signed with key ${finding.got}, which this node does not have`
    case 'trailer-mac':
      return 'an advert whose HMAC is wrong: its key differs, or it was changed on the way'
    case 'trailer-replayed':
      return 'an advert that was sent before'
    case 'trailer-old-boot':
      return `an advert of start ${finding.got} of a node that was heard in start ${finding.expected}: somebody recorded it, or that node has lost its counter of starts: then write ${finding.expected} into the file *.vrrp-boots of its state directory, and restart its vrrp process`
    case 'ttl':
      return `an advert with TTL ${finding.got} instead of ${finding.expected}: it has crossed a router`
    case 'version-mismatch':
      return `adverts of version ${finding.got}, while this node speaks version ${finding.expected}`
    case 'vrid-mismatch':
      return `a peer's adverts with VRID ${finding.got} instead of ${finding.expected}`
    case 'interval-mismatch':
      return `adverts every ${seconds(finding.got)}, which version 2 wants to be ${seconds(finding.expected)} as here`
    case 'auth-mismatch':
      return finding.got === 0
        ? 'adverts without a password'
        : 'adverts with a password, while this node has none'
    case 'password':
      return 'adverts with another password'
    case 'stranger':
      return 'an advert of somebody who is no peer'
    case 'own-address':
      return "an advert from this node's own address: a loop, or a second machine with that address"
    case 'interval-differs':
      return `adverts every ${seconds(finding.got)} instead of ${seconds(finding.expected)}`
    case 'vrid-clash':
      return `another virtual router uses this VRID on this link, for ${addressesOf(finding.addresses)}`
    case 'addresses-differ':
      return `a peer has other addresses: ${addressesOf(finding.addresses)}`
    case 'checksum-form':
      return `a peer sends checksums as ${finding.got}, this node as ${finding.expected}`
    case 'trailer-unexpected':
      return 'a peer signs its adverts, this node does not'
    case 'two-owners':
      return 'another node has priority 255 as well: an address set has one owner'
    case 'conflict':
      return `another node was active as well, with priority ${finding.priority}`
    case 'overslept':
      return `this process was not run for ${seconds(finding.lateMs)}: ${
        finding.role === 'active' ? 'it gave its role up' : 'it listens before it takes over'
      }`
    case 'flapping':
      return `${finding.takeovers} takeovers within ${seconds(finding.withinMs)}: this node preempts nobody for a while`
    case 'unheard':
      return `${finding.members.join(', ')}: nobody is heard, while the active node is heard on ${finding.heardOn}: a network that is cut or filtered; nobody takes over`
    case 'heard-again':
      return 'the active node is heard on all networks again'
    case 'flapping-over':
      return 'roles have been stable again for long enough'
    default:
      return finding satisfies never
  }
}
