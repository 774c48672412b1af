// Clients of any shape (client-shapes.ts), each as much of TCP as it takes to connect, ask once over HTTP and hear the answer
// begin: their SYN goes out again by their own timer, and what comes in before they are connected is dealt with as
// RFC 9293 3.10.7.3 says: an acknowledgement that is not theirs is answered with RST, and they go on waiting. They live in the
// client's node behind a packet socket, at addresses that its kernel does not have.

import { setTimeout as delay } from 'node:timers/promises'
import { formatIp, type Ip, isIp4, parseIp } from '../../../src/base/addresses.ts'
import type { Lab } from '../../../src/lab/held-lab.ts'
import { batch } from '../../../src/lab/run.ts'
import { type LabNode, nodesOf } from '../../../src/lab/topology.ts'
import { KernelNetwork } from '../../../src/netlink/kernel-network.ts'
import { openNamed } from '../../../src/sys/named-namespace.ts'
import { Reactor } from '../../../src/sys/reactor.ts'
import { SOCK_RAW, Socket } from '../../../src/sys/socket.ts'
import { AF_PACKET, packetAddress } from '../../../src/sys/socket-address.ts'
import { decodeEthernet, etherType } from '../../../src/wire/ethernet.ts'
import { decodeIpv4, ipProtocol } from '../../../src/wire/ipv4.ts'
import { decodeIpv6 } from '../../../src/wire/ipv6.ts'
import { ether, ipv4, ipv6, packet, tcp } from '../../../src/wire/packet.ts'
import { decodeTcp, type Tcp, tcpFlag } from '../../../src/wire/tcp.ts'
import type { ClientShape } from './client-shapes.ts'

/** REPLAYED: the networks that such clients are of; servers send what they answer there to the client's node. */
export const REPLAYED = { 4: '198.19.128.0/17', 6: '2001:2:0:9000::/52' } as const

/** ReplayedClient: who it is. Addresses of REPLAYED; a pair of address and port is one client's. */
export interface ReplayedClient {
  readonly shape: ClientShape
  readonly address: string
  readonly port: number
}

/** Replayed: what became of one. `ms`: from its first SYN until it was connected; absent: never. `refused`: challenges that it answered. */
export interface Replayed extends ReplayedClient {
  readonly ms?: number
  readonly answered: boolean
  readonly syns: number
  readonly refused: number
}

/** ReplayOptions: of all; `patienceMs`: how long before a client that has heard nothing gives up. */
export interface ReplayOptions {
  readonly service: string
  readonly port: number
  readonly patienceMs: number
  /** spreadMs: over which they begin; absent = all at once. */
  readonly spreadMs?: number
}

const ROOM = 2048
const POLL_MS = 2

/** replay resolves when each is answered or has given up. */
export async function replay(
  lab: Lab,
  clients: readonly ReplayedClient[],
  options: ReplayOptions,
): Promise<readonly Replayed[]> {
  const [node] = nodesOf(lab.topology, 'client') as [LabNode]
  const [balancer] = nodesOf(lab.topology, 'balancer') as [LabNode]
  await wayBack(lab, node)
  using reactor = new Reactor()
  using wire = new Wire(node, balancer.mac, options.service, reactor)
  const all = clients.map((client, at) => {
    const afterMs = ((options.spreadMs ?? 0) * at) / clients.length
    return new Client(client, options, wire, afterMs)
  })
  const byEnd = new Map(all.map((client) => [client.key, client]))
  wire.onSegment = (key, segment, payload) => byEnd.get(key)?.take(segment, payload)
  // Each has its turn, not only the first that goes on.
  while (all.map((client) => client.goesOn()).includes(true)) await delay(POLL_MS)
  return all.map((client) => client.result())
}

/** wayBack: all that answer clients themselves send what is for them to the client's node. */
async function wayBack({ topology }: Lab, client: LabNode): Promise<void> {
  const lines = [`route replace ${REPLAYED[4]} via ${client.address}`]
  if (client.address6 !== undefined) lines.push(`route replace ${REPLAYED[6]} via ${client.address6}`)
  const servers = topology.forward === 'dsr' ? nodesOf(topology, 'server') : []
  for (const { namespace } of [...servers, ...nodesOf(topology, 'balancer')]) await batch(namespace, lines)
}

/** Wire: the packet socket of one family, and frames to and from the service. */
class Wire implements Disposable {
  readonly #socket: Socket
  readonly #watch: Disposable
  readonly #to: Uint8Array
  readonly #service: Ip
  readonly #macs: { readonly source: string; readonly destination: string }
  readonly #into = Buffer.alloc(ROOM)
  onSegment: (key: string, segment: Tcp, payload: Uint8Array) => void = () => undefined

  constructor(node: LabNode, mac: string, service: string, reactor: Reactor) {
    this.#service = parseIp(service)
    this.#macs = { source: node.mac, destination: mac }
    const type = isIp4(this.#service) ? etherType.IP : etherType.IPV6
    using place = openNamed(node.namespace)
    const [socket, ifindex] = place.run(() => {
      using network = new KernelNetwork()
      return [Socket.open(AF_PACKET, SOCK_RAW, 0), network.getLink('eth0')!.index] as const
    })
    this.#to = packetAddress({ ifindex, etherType: type })
    this.#socket = socket
    socket.setBufferSize('receive', 8 << 20)
    socket.bind(this.#to)
    this.#watch = reactor.watch(socket.fd, { readable: true }, () => this.#read())
  }

  /** send a segment from a client. */
  send(address: string, ttl: number, dontFragment: boolean, segment: Partial<Tcp>, payload = ''): void {
    const destination = formatIp(this.#service)
    const ip = isIp4(this.#service)
      ? ipv4({ source: address, destination, ttl, dontFragment })
      : ipv6({ source: address, destination, hopLimit: ttl })
    this.#socket.send(packet(ether(this.#macs), ip, tcp(segment), payload), this.#to)
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]()
    this.#socket[Symbol.dispose]()
  }

  #read(): void {
    for (let got = this.#socket.receive(this.#into); got; got = this.#socket.receive(this.#into)) {
      const frame = this.#into.subarray(0, Math.min(got.length, ROOM))
      const { payload: inner } = decodeEthernet(frame)
      const { header: ip, payload } = isIp4(this.#service) ? decodeIpv4(inner) : decodeIpv6(inner)
      const protocol = 'protocol' in ip ? ip.protocol : ip.nextHeader
      if (protocol !== ipProtocol.TCP || ip.source !== this.#service) continue
      const { header, payload: data } = decodeTcp(payload)
      this.onSegment(`${formatIp(ip.destination)} ${header.destination}`, header, data)
    }
  }
}

type State = 'waiting' | 'syn-sent' | 'connected' | 'done' | 'gone'

class Client {
  readonly key: string
  readonly #who: ReplayedClient
  readonly #options: ReplayOptions
  readonly #wire: Wire
  readonly #startsAt: number
  readonly #sequence = Math.floor(Math.random() * 2 ** 32)
  #state: State = 'waiting'
  #againAt = 0
  #againMs: number
  #syns = 0
  #refused = 0
  #openedAt = 0
  #ms: number | undefined

  constructor(who: ReplayedClient, options: ReplayOptions, wire: Wire, afterMs: number) {
    this.#who = who
    this.#options = options
    this.#wire = wire
    this.key = `${formatIp(parseIp(who.address))} ${who.port}`
    this.#startsAt = performance.now() + afterMs
    this.#againMs = who.shape.againMs
  }

  /** goesOn: it is still waiting for something; sends what is due. */
  goesOn(): boolean {
    const now = performance.now()
    if (this.#state === 'done' || this.#state === 'gone') return false
    if (now - this.#startsAt > this.#options.patienceMs) this.#state = 'gone'
    else if (this.#state === 'waiting' && now >= this.#startsAt) this.#open(now)
    else if (this.#state === 'syn-sent' && now >= this.#againAt) this.#open(now)
    return this.#state !== 'gone'
  }

  /** take a segment from the service. */
  take(segment: Tcp, payload: Uint8Array): void {
    const { flags, acknowledgment, sequence } = segment
    const next = (this.#sequence + 1) >>> 0
    if (this.#state === 'syn-sent') {
      const isMine = acknowledgment === next
      if ((flags & tcpFlag.ACK) !== 0 && !isMine) this.#refuse(segment)
      else if ((flags & tcpFlag.RST) !== 0) this.#state = 'gone'
      else if ((flags & (tcpFlag.SYN | tcpFlag.ACK)) === (tcpFlag.SYN | tcpFlag.ACK))
        this.#connect(next, (sequence + 1) >>> 0)
    } else if (this.#state === 'connected' && payload.length > 0) {
      this.#state = 'done'
      this.#send({ flags: tcpFlag.RST, sequence: acknowledgment })
    }
  }

  result(): Replayed {
    return {
      ...this.#who,
      ...(this.#ms !== undefined && { ms: this.#ms }),
      answered: this.#state === 'done',
      syns: this.#syns,
      refused: this.#refused,
    }
  }

  #open(now: number): void {
    const { window, options } = this.#who.shape
    if (this.#syns > 0) this.#againMs *= 2
    else this.#openedAt = now
    this.#syns++
    this.#state = 'syn-sent'
    this.#againAt = now + this.#againMs
    this.#send({ flags: tcpFlag.SYN, sequence: this.#sequence, window, options: Uint8Array.from(options) })
  }

  /** #refuse an acknowledgement that is not its own: <SEQ=SEG.ACK><CTL=RST>, unless it is a RST. */
  #refuse({ flags, acknowledgment }: Tcp): void {
    if ((flags & tcpFlag.RST) !== 0) return
    this.#refused++
    this.#send({ flags: tcpFlag.RST, sequence: acknowledgment, window: 0 })
    const { refusedMs } = this.#who.shape
    if (refusedMs === undefined) return
    this.#againAt = performance.now() + refusedMs
    this.#againMs /= 2
  }

  #connect(next: number, theirs: number): void {
    this.#ms = performance.now() - this.#openedAt
    if (this.#who.shape.halfOpen) {
      this.#state = 'done'
      this.#send({ flags: tcpFlag.RST, sequence: next })
      return
    }
    this.#state = 'connected'
    const request = `GET / HTTP/1.1\r\nHost: www\r\nConnection: close\r\n\r\n`
    const acknowledged = { sequence: next, acknowledgment: theirs }
    this.#send({ flags: tcpFlag.ACK, ...acknowledged })
    this.#send({ flags: tcpFlag.ACK | tcpFlag.PSH, ...acknowledged }, request)
  }

  #send(segment: Partial<Tcp>, payload = ''): void {
    const { address, port, shape } = this.#who
    const ports = { source: port, destination: this.#options.port }
    this.#wire.send(address, shape.ttl, shape.dontFragment, { ...ports, ...segment }, payload)
  }
}
