// Builds and removes the network of a Topology: namespaces, a bridge for each network as the switch, a veth pair per cable.
//
//   node's namespace              switch's namespace
//   eth0 ------------ veth pair ------------ <node's name> ----- br0 (front, or the only one)
//   eth1 ------------ veth pair ------------ <node's name>-b --- br1 (back; a server's eth0 is there, and its eth1 in front)
//
// Made for XDP on veth: checksums and VLAN tags are in the frames, not left to offloads that only a real NIC has,
// and the switch's side of a balancer's pair runs a program of its own, without which frames that XDP sends out
// there would be lost (drivers/net/veth.c: veth_xdp_xmit wants the peer's NAPI). ARP is real, and so is neighbour
// discovery where the lab has IPv6; else that is off.

import { createNamed, removeNamed } from '../sys/named-namespace.ts'
import { passAll } from './pass-program.ts'
import { batch, runIn, writeSysctls } from './run.ts'
import { labNamespaces } from './state.ts'
import {
  cablesOf,
  instanceName,
  type LabForward,
  type LabNetwork,
  type LabNode,
  namespacesOf,
  nodesOf,
  PREFIX_LENGTH,
  PREFIX_LENGTH6,
  SWITCH,
  type Topology,
} from './topology.ts'

const bridges: Readonly<Record<LabNetwork, string>> = { front: 'br0', back: 'br1' }
/** A table of routes for what servers of a pair send from their own addresses (ip-rule(8)). */
const OWN_TABLE = 100

/** networkUp builds everything; on failure what was built stays, for networkDown. Throws LAB_COMMAND_FAILED. */
export async function networkUp(topology: Topology): Promise<void> {
  for (const name of namespacesOf(topology)) createNamed(name)[Symbol.dispose]()
  await batch(topology.switch.namespace, topology.nodes.flatMap(plugged))
  const all = [switchUp(topology), ...topology.nodes.map((node) => nodeUp(topology, node))]
  // All of them to their end, so that nothing goes on building while a failure is being cleaned up.
  for (const done of await Promise.allSettled(all)) if (done.status === 'rejected') throw done.reason
}

/** networkDown removes every namespace of the lab, and with them all that is in them; none is fine. */
export function networkDown(lab: string): void {
  for (const name of labNamespaces(lab)) removeNamed(name)
}

const plugged = (node: LabNode): readonly string[] =>
  cablesOf(node).map(
    ({ device, port, mac }) =>
      `link add name ${port} type veth peer name ${device} address ${mac} netns ${node.namespace}`,
  )

async function switchUp(topology: Topology): Promise<void> {
  const { namespace, flooding } = topology.switch
  const networks: readonly LabNetwork[] = topology.router ? ['front', 'back'] : ['front']
  const cables = topology.nodes.flatMap((node) => cablesOf(node))
  writeSysctls(namespace, { ...ipv6Off, ...onlySwitching })
  await batch(namespace, [
    'link set lo up',
    ...networks.flatMap((network) => [
      `link add name ${bridges[network]} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
      `link set ${bridges[network]} up`,
    ]),
    ...cables.flatMap(({ port, network }) => [
      `link set ${port} master ${bridges[network]}`,
      `link set ${port} type bridge_slave learning ${flooding ? 'off' : 'on'} flood on`,
      `link set ${port} up`,
    ]),
  ])
  const balancers = nodesOf(topology, 'balancer').flatMap((node) => cablesOf(node).map(({ port }) => port))
  await passAll(namespace, balancers, instanceName(topology.lab, SWITCH))
  // After the program: attaching it turns receive offload on, and merged frames leave with checksums unset.
  for (const { port } of cables) await realFrames(namespace, port)
}

async function nodeUp(topology: Topology, node: LabNode): Promise<void> {
  const ipv6 = node.address6 === undefined ? ipv6Off : ipv6On
  const cables = cablesOf(node)
  // What comes in by one interface of two is answered by the other.
  const twoWays = Object.fromEntries(
    ['all', ...cables.map(({ device }) => device)].map((each) => [`net/ipv4/conf/${each}/rp_filter`, '0']),
  )
  writeSysctls(node.namespace, { ...ipv6, ...roleSysctls[node.role], ...(node.second && twoWays) })
  await batch(node.namespace, [
    'link set lo up',
    ...(node.role === 'server' ? served(topology) : []),
    ...cables.flatMap(({ device, address, address6 }) => [
      `addr add ${address}/${PREFIX_LENGTH} dev ${device}`,
      ...(address6 === undefined ? [] : [`addr add ${address6}/${PREFIX_LENGTH6} dev ${device} nodad`]),
      `link set ${device} up`,
    ]),
    ...(topology.router ? [] : routes[topology.forward](topology, node)),
  ])
  if (topology.router && node.role === 'server') {
    const { address, address6 } = topology.router
    await batch(node.namespace, ownRoutes(SECOND, address))
    if (address6 !== undefined) await batch(node.namespace, ownRoutes(SECOND6, address6), ['-6'])
  }
  for (const { device } of cables) await realFrames(node.namespace, device)
}

/** realFrames: what the interface sends has its checksums and VLAN tags in it, one frame per packet. */
const realFrames = (namespace: string, device: string): Promise<string> =>
  runIn(namespace, ['ethtool', '-K', device, 'tx', 'off', 'gro', 'off', 'rxvlan', 'off', 'txvlan', 'off'])

/** served: what a server has beside its own addresses to answer for the services with dsr, as lines for ip(8). */
function served({ forward, router, serviceAddresses, serviceAddresses6 }: Topology): readonly string[] {
  if (forward === 'nat' && !router) return []
  return [
    ...serviceAddresses.map((address) => `addr add ${address}/32 dev lo`),
    ...serviceAddresses6.map((address) => `addr add ${address}/128 dev lo`),
  ]
}

/** The second network: with nat that of clients, in a pair the back one. */
const [SECOND, SECOND6] = ['10.0.1.0/24', '2001:db8:1::/64']
/** The first: with nat that of servers, in a pair the front one. */
const [FIRST, FIRST6] = ['10.0.0.0/24', '2001:db8::/64']

/** routes of a node, beside those of its own network, as lines for ip(8). */
const routes: Readonly<Record<LabForward, (topology: Topology, node: LabNode) => readonly string[]>> = {
  dsr: () => [],
  nat: (topology, { role, address6 }) => {
    const [balancer] = nodesOf(topology, 'balancer')
    const both = (four: string, six: string) =>
      address6 === undefined ? [`route add ${four}`] : [`route add ${four}`, `route add ${six}`]
    switch (role) {
      case 'client':
        return both(`${FIRST} dev eth0`, `${FIRST6} dev eth0`)
      case 'balancer':
        return both(`${SECOND} dev eth0`, `${SECOND6} dev eth0`)
      case 'server':
        return both(`default via ${balancer!.address}`, `default via ${balancer!.address6}`)
    }
  },
}

/**
 * ownRoutes of a server in a pair, as lines for ip(8) of one family: what it sends from its own addresses (nat) leaves by
 * the router, whoever asked; what it sends from a service address (dsr) by its cable in front.
 */
const ownRoutes = (network: string, router: string): readonly string[] => [
  `rule add from ${network} lookup ${OWN_TABLE}`,
  `route add ${network} dev eth0 table ${OWN_TABLE}`,
  `route add default via ${router} dev eth0 table ${OWN_TABLE}`,
]

const ipv6Off = { 'net/ipv6/conf/all/disable_ipv6': '1', 'net/ipv6/conf/default/disable_ipv6': '1' }
// Nobody waits for duplicates, nobody believes routers.
const ipv6On = { 'net/ipv6/conf/eth0/accept_dad': '0', 'net/ipv6/conf/eth0/accept_ra': '0' }

// A switch does not look into IP: with br_netfilter in the kernel a bridge would check, reassemble and filter packets.
const onlySwitching = {
  'net/bridge/bridge-nf-call-arptables': '0',
  'net/bridge/bridge-nf-call-iptables': '0',
  'net/bridge/bridge-nf-call-ip6tables': '0',
}

const roleSysctls = {
  // Every request is a connection of its own: many source ports, used again at once.
  client: { 'net/ipv4/ip_local_port_range': '1024 65535', 'net/ipv4/tcp_tw_reuse': '1' },
  balancer: {},
  // A server answers for service addresses, but never claims them (ip-sysctl: arp_ignore, arp_announce).
  server: { 'net/ipv4/conf/all/arp_ignore': '1', 'net/ipv4/conf/all/arp_announce': '2' },
} as const
