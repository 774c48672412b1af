// World: a small network for the contract suites, one machine's namespace with an interface and other machines on
// its link. The same suites run in a world of the fake network and in one of the kernel:
//
//   this machine: v0 (ownMac) ---- link ---- the others: any IPv4 address, all with the MAC peerMac

import assert from 'node:assert/strict'
import { type Ip4, type Mac, parseIp4, parseMac } from '../../src/base/addresses.ts'
import type { Network } from '../../src/netlink/network.ts'

export const LINK_NAME = 'v0'
export const ownMac = parseMac('02:00:00:00:00:01')
export const peerMac = parseMac('02:00:00:00:00:02')
export const otherMac = parseMac('02:00:00:00:00:03')

/** World: everything a test can do besides what Network offers. `v0` is up and has no IPv4 address at first. */
export interface World extends Disposable {
  readonly network: Network
  /** The index of v0 now. */
  readonly ifindex: number
  /** Machines on the link answer ARP for these addresses, and announce them. */
  appear(...addresses: Ip4[]): void
  /** Nobody answers for this address any more. */
  fallSilent(address: Ip4): void
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
  addRoute(prefix: string, gateway?: Ip4): void
  /** What somebody else than tenbin puts into the neighbour table. */
  setPermanent(address: Ip4, mac: Mac): void
  flushNeighbours(): void
  /** Makes the queue of events overflow. */
  overflow(): void
  /** Waits until something is true; fails when it never becomes so. */
  until(what: string, condition: () => boolean): Promise<void>
}

export const ip = parseIp4

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
