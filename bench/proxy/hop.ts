// The least that a balancer can be: a program that gives each client port one of two servers' MACs and sends the frame
// on; where told so, the answers back to their client, too. What it costs is the way through one more namespace, once or
// both ways: whoever balances by XDP cannot have a greater share.

import { type Ip4, isIp4, parseIp, parseMac } from '../../src/base/addresses.ts'
import { be32, eq, ne, part, type Val } from '../../src/bpf/values.ts'
import { plainFunction, program } from '../../src/bpf/xdp.ts'
import { Ethernet, Ipv4, Tcp } from '../../src/dataplane/headers.ts'
import { macWord } from '../../src/dataplane/path.ts'
import { XdpLink } from '../../src/kernel/link.ts'
import { loadProgram } from '../../src/kernel/program.ts'
import type { Lab } from '../../src/lab/held-lab.ts'
import { type LabNode, nodesOf } from '../../src/lab/topology.ts'
import { KernelNetwork } from '../../src/netlink/kernel-network.ts'
import { openNamed } from '../../src/sys/named-namespace.ts'

const [XDP_PASS, XDP_TX] = [2, 3]

/** Asker: who gets back what comes for its address, if servers have the node as its router. */
export interface Asker {
  readonly address: string
  readonly mac: string
}

/** startHop: a node holds an address, and sends on what comes for it; the servers answer for it. Ends with the node. */
export async function startHop(
  lab: Lab,
  name: string,
  address: string,
  { servers, asker }: { readonly servers: readonly LabNode[]; readonly asker?: Asker },
): Promise<void> {
  await lab.run(name, ['ip', 'addr', 'add', `${address}/32`, 'dev', 'eth0'])
  for (const server of servers)
    await lab.run(server.name, ['ip', 'addr', 'add', `${address}/32`, 'dev', 'lo'])
  const node = nodesOf(lab.topology, 'balancer').find((each) => each.name === name)!
  const { program: hop } = loadProgram(program('hop', hopOf(address, node, servers, asker)).spec)
  using place = openNamed(node.namespace)
  place.run(() => {
    using network = new KernelNetwork()
    XdpLink.attach(hop, { ifindex: network.getLink('eth0')!.index }, 'native')
  })
}

function ip4Of(text: string): Ip4 {
  const ip = parseIp(text)
  if (!isIp4(ip)) throw new Error(`a hop is by IPv4, not ${text}`)
  return ip
}

function hopOf(address: string, { mac }: LabNode, servers: readonly LabNode[], asker: Asker | undefined) {
  if (servers.length !== 2) throw new Error(`a hop from ${address} to ${servers.length} servers`)
  return plainFunction('hop', (p) => {
    const { data, end } = p.packet()
    const [pass, other] = [p.label('pass'), p.label('other')]
    const { eth, ip, tcp } = p.headers(data, end, { eth: Ethernet, ip: Ipv4, tcp: Tcp }, pass)
    p.jumpIf(ne(p.load(ip.destination), be32(ip4Of(address))), other)
    const second = p.label('second')
    const sendTo = (next: Pick<LabNode, 'mac'>) => {
      for (const [place, text] of [
        [eth.dst, next.mac],
        [eth.src, mac],
      ] as const) {
        p.store(part(place, 0, 'u32'), macWord(parseMac(text), 0))
        p.store(part(place, 4, 'u16'), macWord(parseMac(text), 4))
      }
      p.exitValue(XDP_TX)
    }
    // connect() takes even ports first, so the lowest bit tells nothing
    const port: Val<'u8'> = p.load(part(tcp.ports, 1, 'u8'))
    p.jumpIf(eq(p.alu('and', port, 2), 0), second)
    sendTo(servers[0]!)
    p.bind(second)
    sendTo(servers[1]!)
    p.bind(other)
    if (asker) {
      p.jumpIf(ne(p.load(ip.destination), be32(ip4Of(asker.address))), pass)
      sendTo(asker)
    }
    p.bind(pass)
    p.exitValue(XDP_PASS)
  })
}
