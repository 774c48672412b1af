// The program that asks LVS, and our packet path beside it: it runs inside user-mode-linux, makes a balancer there, sends
// every packet of every service in turn and reports which server got it. Frames come out with the server's MAC; nobody is
// told by ICMP.
//
//   v1 (we, as clients and servers: a packet socket) ---- v0 (LVS: VIP, servers 10.1.0.N at 02:00:00:00:01:NN)

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { formatIp, type Ip4, parseIp4 } from '../../src/base/addresses.ts'
import { KernelNetwork } from '../../src/netlink/kernel-network.ts'
import { SOCK_RAW, Socket } from '../../src/sys/socket.ts'
import { AF_PACKET, packetAddress } from '../../src/sys/socket-address.ts'
import { etherType } from '../../src/wire/ethernet.ts'
import { ipProtocol } from '../../src/wire/ipv4.ts'
import { ether, ipv4, packet, tcp } from '../../src/wire/packet.ts'
import { writeResult } from '../guest/result.ts'
import { isPacket, type Packet, SEGMENT, type Service, type WeightChange } from './arrivals.ts'
import { packetPathAnswers } from './packet-path.ts'
import { services } from './services.ts'

/** Answers: for each service, for each of its packets the server that got it; -1 = nobody. */
export interface Answers {
  readonly lvs: readonly (readonly number[])[]
  readonly packetPath: readonly (readonly number[])[]
}

const VIP = '10.96.0.1'
const CLIENT_MAC = '02:00:00:00:02:01'
const NODE_MAC = '02:00:00:00:00:01'
const CLIENTS = parseIp4('10.200.0.0')
const MOST_SERVERS = 5
const FIRST_PORT = 8_000
/** Far above what an answer takes; none is an error. */
const ANSWER_MS = 5_000

const serverAddress = (member: number): string => `10.1.0.${member + 1}`
/** Its last byte tells the server. */
const serverMac = (member: number): string => `02:00:00:00:01:0${member + 1}`
const members = Array.from({ length: MOST_SERVERS }, (_, member) => member)

const run = (command: string, args: readonly string[], input?: string): void => {
  execFileSync(command, args, { input, stdio: ['pipe', 'inherit', 'inherit'] })
}

function makeNetwork(): void {
  const gateway = '10.1.255.253'
  const lines = [
    `link add v0 address ${NODE_MAC} type veth peer name v1`,
    'link set lo up',
    'link set v0 up',
    'link set v1 up',
    'addr add 10.1.255.254/16 dev v0',
    `addr add ${VIP}/32 dev v0`,
    'route add 10.200.0.0/16 via 10.1.255.253',
    `neigh add ${gateway} lladdr ${CLIENT_MAC} dev v0 nud permanent`,
    ...members.map((m) => `neigh add ${serverAddress(m)} lladdr ${serverMac(m)} dev v0 nud permanent`),
  ]
  run('ip', ['-batch', '-'], `${lines.join('\n')}\n`)
  // every refusal is told, at once
  for (const [name, value] of [
    ['icmp_ratelimit', 0],
    ['icmp_ratemask', 0],
    ['icmp_msgs_per_sec', 1_000_000],
    ['conf/all/rp_filter', 0],
    ['conf/v0/rp_filter', 0],
  ] as const)
    writeFileSync(`/proc/sys/net/ipv4/${name}`, String(value))
}

const listener = (service: number): string => `${VIP}:${FIRST_PORT + service}`

/** LVS puts a new server before the others: the last one is added first. */
function makeServices(): void {
  const lines = services.flatMap(({ scheduler, flags, weights }, s) => [
    `-A -t ${listener(s)} -s ${scheduler}${flags ? ` -b ${flags}` : ''}`,
    ...weights.map((weight, m) => `-a -t ${listener(s)} -r ${serverAddress(m)} -g -w ${weight}`).reverse(),
  ])
  run('ipvsadm', ['-R'], `${lines.join('\n')}\n`)
}

/** Wire: the far end of the balancer's link. */
class Wire {
  readonly #socket: Socket
  readonly #into = Buffer.alloc(2_048)
  #sent = 0

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** ask sends a packet and returns which server got it; -1 = nobody. */
  ask(service: number, { kind, client, port }: Packet): number {
    const sequence = ++this.#sent
    const frame = packet(
      ether({ destination: NODE_MAC, source: CLIENT_MAC }),
      ipv4({ source: formatIp((CLIENTS + client) as Ip4), destination: VIP }),
      tcp({ source: port, destination: FIRST_PORT + service, sequence, flags: SEGMENT[kind] }),
    )
    if (!this.#socket.send(frame)) throw new Error(`no room for packet ${sequence}`)
    for (;;) {
      const received = this.#socket.receive(this.#into)
      if (!received) throw new Error(`no answer to a ${kind} of ${services[service]!.name}`)
      const answer = this.#answerTo(sequence)
      if (answer !== undefined) return answer
    }
  }

  /** The frame itself in a server's hands, or an ICMP error that holds its start; anything else is no answer. */
  #answerTo(sequence: number): number | undefined {
    const into = this.#into
    const refused = into[23] === ipProtocol.ICMP
    const segment = refused ? 34 + 8 + 20 : 34
    if (into.readUInt32BE(segment + 4) !== sequence) return undefined
    if (refused) return -1
    return into[5]! - 1
  }
}

/** changeWeights: all at once, by one process. */
function changeWeights(index: number, changes: readonly WeightChange[]): void {
  const lines = changes.map(
    ({ member, weight }) => `-e -t ${listener(index)} -r ${serverAddress(member)} -g -w ${weight}`,
  )
  run('ipvsadm', ['-R'], `${lines.join('\n')}\n`)
}

/** play a service: for each packet the server that got it. A connection that nobody took sends no more. */
function play(wire: Wire, { arrivals }: Service, index: number): number[] {
  const refused = new Set<string>()
  const answers: number[] = []
  const changes: WeightChange[] = []
  for (const arrival of arrivals) {
    if (!isPacket(arrival)) {
      changes.push(arrival)
      continue
    }
    if (changes.length > 0) changeWeights(index, changes.splice(0))
    const flow = `${arrival.client}:${arrival.port}`
    const answer = refused.has(flow) ? -1 : wire.ask(index, arrival)
    if (answer < 0) refused.add(flow)
    answers.push(answer)
  }
  return answers
}

makeNetwork()
makeServices()
using network = new KernelNetwork()
using socket = Socket.open(AF_PACKET, SOCK_RAW, 0, { blocking: true })
socket.setTimeouts(ANSWER_MS)
socket.bind(packetAddress({ ifindex: network.getLink('v1')!.index, etherType: etherType.IP }))
const wire = new Wire(socket)
writeResult({
  lvs: services.map((service, index) => play(wire, service, index)),
  packetPath: services.map(packetPathAnswers),
} satisfies Answers)
