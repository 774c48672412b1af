// Servers that claim a service address: with dsr a server has the address on its lo and must not answer ARP for it, or
// clients and routers learn its MAC and go past the balancer. Its idea: a request that is sent to that server alone (so
// nobody else answers, and nothing is announced), from the address 0.0.0.0 (RFC 5227 2.1.1, an ARP probe: nobody's table
// changes); whoever answers it has the fault. One socket for all; only replies come up to it. Left out: IPv6, where Linux
// advertises no address of another interface (ndisc_recv_ns).

import { formatIp, type Ip, type Ip4, isIp4, type Mac } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { KernelNetwork } from '../netlink/kernel-network.ts'
import type { Reactor } from '../sys/reactor.ts'
import { SOCK_DGRAM, Socket } from '../sys/socket.ts'
import { AF_PACKET, packetAddress } from '../sys/socket-address.ts'
import { attachFilter, inData, isOneOf, type Rule } from '../sys/socket-filter.ts'
import { arpOperation, decodeArp, encodeArp } from '../wire/arp.ts'
import { etherType } from '../wire/ethernet.ts'
import { bad, type Checker } from './checker.ts'

/** So often a server is asked at most, and so long its last answer counts. */
const ASK_MS = 2000
const CLAIM_MS = 5000
/** The longest time between two looks is an hour. */
const FORGET_MS = 7_200_000
const UNKNOWN_MAC = '00:00:00:00:00:00' as Mac
const NOBODY = 0 as Ip4

/** Asked: when a server was asked for an address, and at which MAC. */
interface Asked {
  readonly mac: Mac
  readonly at: number
}

/** Claims: what servers answered. */
export class Claims implements Disposable {
  readonly #reactor: Reactor
  /** By service address and server. */
  readonly #asked = new Map<string, Asked>()
  /** By service address and MAC that was asked: when it answered. */
  readonly #claimed = new Map<string, number>()
  #socket: Socket | undefined
  #watch: Disposable | undefined
  readonly #incoming = Buffer.alloc(64)

  constructor(reactor: Reactor) {
    this.#reactor = reactor
  }

  /** ask a server for a service address, unless it was just now. What cannot be asked claims nothing. */
  ask(service: Ip, server: Ip): void {
    if (!isIp4(service)) return
    const now = performance.now()
    const before = this.#asked.get(`${service} ${server}`)
    if (before && now - before.at < ASK_MS) return
    try {
      this.#send(service, server, now)
    } catch (error) {
      // the check itself will meet it, if it matters
      if (!(error instanceof TenbinError)) throw error
    }
  }

  #send(service: Ip4, server: Ip, now: number): void {
    const way = wayTo(server)
    if (!way) return
    const key = `${service} ${server}`
    if (!this.#asked.has(key)) this.#forget(now)
    this.#asked.set(key, { mac: way.mac, at: now })
    const pair = `${service} ${way.mac}`
    if (!this.#claimed.has(pair)) this.#claimed.set(pair, Number.NEGATIVE_INFINITY)
    const request = encodeArp({
      operation: arpOperation.REQUEST,
      senderMac: way.own,
      senderIp: NOBODY,
      targetMac: UNKNOWN_MAC,
      targetIp: service,
    })
    const to = packetAddress({ ifindex: way.ifindex, etherType: etherType.ARP, mac: way.mac })
    this.#open().send(request, to)
  }

  /** isClaimed: the server has answered lately. */
  isClaimed(service: Ip, server: Ip): boolean {
    const asked = this.#asked.get(`${service} ${server}`)
    const claimedAt = asked && this.#claimed.get(`${service} ${asked.mac}`)
    return claimedAt !== undefined && performance.now() - claimedAt < CLAIM_MS
  }

  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]()
    this.#socket?.[Symbol.dispose]()
    this.#socket = undefined
  }

  /** #forget servers that nobody looks at any more. */
  #forget(now: number): void {
    for (const [key, { at }] of this.#asked) if (now - at > FORGET_MS) this.#asked.delete(key)
    const left = new Set([...this.#asked].map(([key, { mac }]) => `${key.split(' ')[0]} ${mac}`))
    for (const pair of this.#claimed.keys()) if (!left.has(pair)) this.#claimed.delete(pair)
  }

  #open(): Socket {
    if (this.#socket) return this.#socket
    const socket = Socket.open(AF_PACKET, SOCK_DGRAM, 0)
    this.#socket = socket
    attachFilter(socket, [REPLIES])
    socket.bind(packetAddress({ ifindex: 0, etherType: etherType.ARP }))
    const hear = () => this.#hear(socket)
    this.#watch = this.#reactor.watch(socket.fd, { readable: true }, hear, { keepAlive: false })
    return socket
  }

  #hear(socket: Socket): void {
    for (;;) {
      const received = socket.receive(this.#incoming)
      if (!received) return
      try {
        const { header } = decodeArp(this.#incoming.subarray(0, received.length))
        const pair = `${header.senderIp} ${header.senderMac}`
        if (this.#claimed.has(pair)) this.#claimed.set(pair, performance.now())
      } catch (error) {
        // anybody may send anything
        if (!(error instanceof TenbinError)) throw error
      }
    }
  }
}

/** wayTo a server: interface and MACs, as the kernel knows them. */
function wayTo(server: Ip): { readonly ifindex: number; readonly mac: Mac; readonly own: Mac } | undefined {
  using network = new KernelNetwork()
  const route = network.getRoute(server)
  if (route.kind !== 'unicast') return undefined
  const { mac } = network.getNeighbour(route.ifindex, server) ?? {}
  const { mac: own } = network.getLink(route.ifindex) ?? {}
  return mac && own && { ifindex: route.ifindex, mac, own }
}

/** REPLIES: nothing else comes up, however much ARP there is. */
const REPLIES: Rule = { passes: true, when: [isOneOf(inData(2, 6), [arpOperation.REPLY])] }

/** unclaimed: a checker of a server through a service address, which fails as well where the server claims the address. */
export const unclaimed =
  (checker: Checker, service: Ip, server: Ip): Checker =>
  async (look) => {
    const { claims } = look.turns
    claims.ask(service, server)
    const verdict = await checker(look)
    if (verdict.outcome !== 'good' || !claims.isClaimed(service, server)) return verdict
    return bad(
      `it answers ARP for ${formatIp(service)}, so clients go past the balancer: set arp_ignore=1 and arp_announce=2 there`,
    )
  }
