// World: a small network for the contract suites, one machine's namespace with an interface and other machines on
// its link. The same suites run in a world of the fake network and in one of the kernel:
//
//   this machine: v0 (ownMac) ---- link ---- the others: any address, all with the MAC peerMac

import assert from 'node:assert/strict'
import { type Ip, type Mac, parseIp, parseMac } from '../../src/base/addresses.ts'
import type { Network } from '../../src/netlink/network.ts'
import { failed, failed6, type Resolution } from '../../src/netlink/resolution.ts'

export const LINK_NAME = 'v0'
export const ownMac = parseMac('02:00:00:00:00:01')
export const peerMac = parseMac('02:00:00:00:00:02')
export const otherMac = parseMac('02:00:00:00:00:03')

/** World: everything a test can do besides what Network offers. `v0` is up; all it has is a link-local address. */
export interface World extends Disposable {
  readonly network: Network
  /** The index of v0 now. */
  readonly ifindex: number
  /** Machines on the link answer for these addresses. */
  appear(...addresses: Ip[]): void
  /** Nobody answers for this address any more. */
  fallSilent(address: Ip): void
  /** The other machines get another MAC and announce it. */
  setPeerMac(mac: Mac): void
  /** Changes v0. */
  setLink(change: { readonly isUp?: boolean; readonly mac?: Mac; readonly mtu?: number }): void
  /** Pulls the cable of v0, or plugs it in again. */
  setCarrier(isLowerUp: boolean): void
  /** Takes v0 away. */
  removeLink(): void
  /** Puts v0 back, with another index; the machines on the link are there again. */
  addLink(): void
  /** Gives v0 another name, or its own again. */
  renameLink(name: string): void
  addRoute(prefix: string, gateway?: Ip): void
  /** What somebody else than tenbin puts into the neighbour table. */
  setPermanent(address: Ip, mac: Mac): void
  flushNeighbours(): void
  /** Makes the queue of events overflow. */
  overflow(): void
  /** Waits until something is true; fails when it never becomes so. */
  until(what: string, condition: () => boolean): Promise<void>
}

export const ip = parseIp

/** linkLocal: what the kernel would make of ownMac; the worlds add it themselves, so that it is usable at once. */
export const linkLocal = ip('fe80::ff:fe00:1')

/** Family: addresses for the suites, which are run for both. */
export interface Family {
  readonly name: 'IPv4' | 'IPv6'
  /** This machine's, with the prefix length of the link's network. */
  readonly own: Ip
  readonly prefix: number
  readonly host: Ip
  readonly second: Ip
  readonly silent: Ip
  /** Of another network, which is `farNetwork`. */
  readonly far: Ip
  readonly farNetwork: string
  /** Nobody's. */
  readonly elsewhere: Ip
  /** The prefix length of one address. */
  readonly bits: number
  /** What FAILED means. */
  readonly failed: Resolution
}

export const families: readonly Family[] = [
  {
    name: 'IPv4',
    own: ip('192.0.2.1'),
    prefix: 24,
    host: ip('192.0.2.2'),
    second: ip('192.0.2.3'),
    silent: ip('192.0.2.9'),
    far: ip('198.51.100.7'),
    farNetwork: '198.51.100.0/24',
    elsewhere: ip('203.0.113.1'),
    bits: 32,
    failed,
  },
  {
    name: 'IPv6',
    own: ip('2001:db8::1'),
    prefix: 64,
    host: ip('2001:db8::2'),
    second: ip('2001:db8::3'),
    silent: ip('2001:db8::9'),
    far: ip('2001:db8:1::7'),
    farNetwork: '2001:db8:1::/64',
    elsewhere: ip('2001:db8:2::1'),
    bits: 128,
    failed: failed6,
  },
]

/** waitUntil looks again and again, at most for `deadlineMs`. */
export async function waitUntil(
  what: string,
  condition: () => boolean,
  step: () => Promise<void>,
): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!condition()) {
    assert.ok(performance.now() < deadline, `${what}: not within 10 s`)
    await step()
  }
}
