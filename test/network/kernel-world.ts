// KernelWorld: a world in the kernel: two network namespaces without a name and a veth pair between them, made with
// ip(8), which is also the oracle. The process is inside the first one while the world lives; both go with it.

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { formatIp, type Ip, isIp4, type Mac, parseMac } from '../../src/base/addresses.ts'
import { KernelNetwork } from '../../src/netlink/kernel-network.ts'
import { NetworkNamespace } from '../../src/sys/namespace.ts'
import { Reactor } from '../../src/sys/reactor.ts'
import { SOCK_DGRAM, Socket } from '../../src/sys/socket.ts'
import { AF_PACKET, packetAddress } from '../../src/sys/socket-address.ts'
import { arpOperation, encodeArp } from '../../src/wire/arp.ts'
import { LINK_NAME, linkLocal, ownMac, peerMac, type World, waitUntil } from './world.ts'

const PEER_NAME = 'p0'
const ETH_P_ARP = 0x0806
const broadcast = parseMac('ff:ff:ff:ff:ff:ff')
/** The queue of events: small, so that a test can make it overflow. */
const QUEUE_BYTES = 64 << 10

/** IN6_ADDR_GEN_MODE_NONE: linux/if_link.h. */
const ADDR_GEN_MODE_NONE = '1'
/** Of the peer: IPv6 addresses are usable at once, stay without the link, and are announced with a new MAC. */
const peerSysctls = { accept_dad: '0', keep_addr_on_down: '1', ndisc_notify: '1' }

const addLinkLocal = (): string => ipCommand(`addr replace ${formatIp(linkLocal)}/64 dev ${LINK_NAME} nodad`)

const peerPrefix = (address: Ip): string => `${formatIp(address)}/${isIp4(address) ? 24 : 64}`

/** ipCommand runs ip(8) in the calling thread's namespace. */
export const ipCommand = (...words: string[]): string => {
  const args = words.flatMap((word) => word.split(' '))
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

export class KernelWorld implements World {
  readonly #home = NetworkNamespace.current()
  readonly #own = NetworkNamespace.create()
  readonly #peer = NetworkNamespace.create()
  readonly #reactor = new Reactor()
  readonly network: KernelNetwork
  readonly #hosts = new Set<Ip>()

  constructor() {
    this.#own.enter()
    this.network = new KernelNetwork(this.#reactor, { bufferBytes: QUEUE_BYTES })
    this.addLink()
  }
  get ifindex(): number {
    return JSON.parse(ipCommand('-json link show', LINK_NAME))[0].ifindex
  }
  /** peer runs ip(8) on the other machines' side. */
  peer(...words: string[]): string {
    return this.#peer.run(() => ipCommand(...words))
  }
  appear(...addresses: Ip[]): void {
    for (const address of addresses) {
      if (!this.#hosts.has(address)) this.peer('addr add', peerPrefix(address), 'dev', PEER_NAME)
      this.#hosts.add(address)
    }
    this.#announce()
  }
  fallSilent(address: Ip): void {
    this.#hosts.delete(address)
    this.peer('addr del', peerPrefix(address), 'dev', PEER_NAME)
  }
  setPeerMac(mac: Mac): void {
    this.peer('link set', PEER_NAME, 'address', mac)
    this.#announce()
  }
  setLink({ isUp, mac, mtu }: { readonly isUp?: boolean; readonly mac?: Mac; readonly mtu?: number }): void {
    const words = ['link set', LINK_NAME]
    if (isUp !== undefined) words.push(isUp ? 'up' : 'down')
    if (mac !== undefined) words.push('address', mac)
    if (mtu !== undefined) words.push('mtu', String(mtu))
    ipCommand(...words)
    if (isUp) addLinkLocal()
  }
  setCarrier(isLowerUp: boolean): void {
    this.peer('link set', PEER_NAME, isLowerUp ? 'up' : 'down')
  }
  removeLink(): void {
    ipCommand('link del', LINK_NAME)
  }
  addLink(): void {
    const peerNamespace = `/proc/${process.pid}/fd/${this.#peer.fd.number}`
    ipCommand(
      `link add ${LINK_NAME} address ${ownMac} type veth`,
      `peer name ${PEER_NAME} address ${peerMac} netns ${peerNamespace}`,
    )
    // Whoever does not answer is given up after 2 x 25 ms instead of 3 x 1 s, and asked again soon.
    for (const family of ['ipv4', 'ipv6']) {
      writeFileSync(`/proc/sys/net/${family}/neigh/${LINK_NAME}/retrans_time_ms`, '25')
      writeFileSync(`/proc/sys/net/${family}/neigh/${LINK_NAME}/mcast_solicit`, '2')
      writeFileSync(`/proc/sys/net/${family}/neigh/${LINK_NAME}/interval_probe_time_ms`, '100')
    }
    writeFileSync(`/proc/sys/net/ipv6/conf/${LINK_NAME}/addr_gen_mode`, ADDR_GEN_MODE_NONE)
    this.#peer.run(() => {
      for (const [name, value] of Object.entries(peerSysctls))
        writeFileSync(`/proc/sys/net/ipv6/conf/${PEER_NAME}/${name}`, value)
    })
    this.peer('addr flush', 'dev', PEER_NAME)
    for (const address of this.#hosts) this.peer('addr add', peerPrefix(address), 'dev', PEER_NAME)
    this.peer('link set', PEER_NAME, 'up')
    ipCommand('link set', LINK_NAME, 'up')
    addLinkLocal()
  }
  renameLink(name: string): void {
    const [current] = JSON.parse(ipCommand('-json link show type veth')) as { ifname: string }[]
    ipCommand('link set', current!.ifname, 'name', name)
  }
  addRoute(prefix: string, gateway?: Ip): void {
    const family = prefix.includes(':') ? '-6' : '-4'
    const via = gateway === undefined ? [] : ['via', formatIp(gateway)]
    ipCommand(family, 'route add', prefix, ...via, 'dev', LINK_NAME)
  }
  setPermanent(address: Ip, mac: Mac): void {
    ipCommand('neigh replace', formatIp(address), 'lladdr', mac, 'dev', LINK_NAME, 'nud permanent')
  }
  flushNeighbours(): void {
    ipCommand('neigh flush', 'dev', LINK_NAME)
  }
  overflow(): void {
    // Nobody reads meanwhile: this is synchronous.
    const lines = Array.from({ length: 400 }, (_, i) => {
      const route = `unreachable 198.18.${i >> 8}.${i & 255}/32`
      return `route add ${route}\nroute del ${route}`
    })
    execFileSync('ip', ['-batch', '-'], { input: lines.join('\n') })
  }
  until(what: string, condition: () => boolean): Promise<void> {
    return waitUntil(what, condition, () => new Promise((resolve) => setTimeout(resolve, 5)))
  }
  [Symbol.dispose](): void {
    this.network[Symbol.dispose]()
    this.#reactor[Symbol.dispose]()
    this.#home.enter()
    for (const namespace of [this.#home, this.#own, this.#peer]) namespace[Symbol.dispose]()
  }

  /**
   * #announce sends a gratuitous ARP request for each IPv4 address, as machines do that come up or change their MAC. For
   * IPv6 the kernel does it (ndisc_notify).
   */
  #announce(): void {
    this.#peer.run(() => {
      const { ifindex, address: mac } = JSON.parse(ipCommand('-json link show', PEER_NAME))[0]
      using socket = Socket.open(AF_PACKET, SOCK_DGRAM, 0)
      for (const address of [...this.#hosts].filter(isIp4)) {
        const packet = { senderMac: mac, senderIp: address, targetMac: mac, targetIp: address }
        const frame = encodeArp({ operation: arpOperation.REQUEST, ...packet })
        socket.send(frame, packetAddress({ ifindex, etherType: ETH_P_ARP, mac: broadcast }))
      }
    })
  }
}
