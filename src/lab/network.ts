// Builds and removes the network of a Topology: namespaces, a bridge as the switch, a veth pair per node.
//
//   node's namespace              switch's namespace
//   eth0 ------------ veth pair ------------ <node's name> --- br0
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
  instanceName,
  type LabForward,
  type LabNode,
  namespacesOf,
  nodesOf,
  PREFIX_LENGTH,
  PREFIX_LENGTH6,
  SWITCH,
  type Topology,
} from './topology.ts'

const BRIDGE = 'br0'

/** networkUp builds everything; on failure what was built stays, for networkDown. Throws LAB_COMMAND_FAILED. */
export async function networkUp(topology: Topology): Promise<void> {
  for (const name of namespacesOf(topology)) createNamed(name)[Symbol.dispose]()
  await batch(topology.switch.namespace, topology.nodes.map(cable))
  const all = [switchUp(topology), ...topology.nodes.map((node) => nodeUp(topology, node))]
  // All of them to their end, so that nothing goes on building while a failure is being cleaned up.
  for (const done of await Promise.allSettled(all)) if (done.status === 'rejected') throw done.reason
}

/** networkDown removes every namespace of the lab, and with them all that is in them; none is fine. */
export function networkDown(lab: string): void {
  for (const name of labNamespaces(lab)) removeNamed(name)
}

const cable = ({ name, mac, namespace }: LabNode): string =>
  `link add name ${name} type veth peer name eth0 address ${mac} netns ${namespace}`

async function switchUp(topology: Topology): Promise<void> {
  const { namespace, flooding } = topology.switch
  writeSysctls(namespace, { ...ipv6Off, ...onlySwitching })
  await batch(namespace, [
    'link set lo up',
    `link add name ${BRIDGE} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
    `link set ${BRIDGE} up`,
    ...topology.nodes.flatMap(({ name }) => [
      `link set ${name} master ${BRIDGE}`,
      `link set ${name} type bridge_slave learning ${flooding ? 'off' : 'on'} flood on`,
      `link set ${name} up`,
    ]),
  ])
  const balancers = nodesOf(topology, 'balancer').map((node) => node.name)
  await passAll(namespace, balancers, instanceName(topology.lab, SWITCH))
  // After the program: attaching it turns receive offload on, and merged frames leave with checksums unset.
  for (const { name } of topology.nodes) await realFrames(namespace, name)
}

async function nodeUp(topology: Topology, node: LabNode): Promise<void> {
  const ipv6 = node.address6 === undefined ? ipv6Off : ipv6On
  writeSysctls(node.namespace, { ...ipv6, ...roleSysctls[node.role] })
  await batch(node.namespace, [
    'link set lo up',
    ...(node.role === 'server' ? servedBy[topology.forward](topology) : []),
    `addr add ${node.address}/${PREFIX_LENGTH} dev eth0`,
    ...(node.address6 === undefined ? [] : [`addr add ${node.address6}/${PREFIX_LENGTH6} dev eth0 nodad`]),
    'link set eth0 up',
    ...routes[topology.forward](topology, node),
  ])
  await realFrames(node.namespace, 'eth0')
}

/** realFrames: what the interface sends has its checksums and VLAN tags in it, one frame per packet. */
const realFrames = (namespace: string, device: string): Promise<string> =>
  runIn(namespace, ['ethtool', '-K', device, 'tx', 'off', 'gro', 'off', 'rxvlan', 'off', 'txvlan', 'off'])

/** servedBy: what a server has beside its own addresses to answer for the services, as lines for ip(8). */
const servedBy: Readonly<Record<LabForward, (topology: Topology) => readonly string[]>> = {
  dsr: ({ serviceAddresses, serviceAddresses6 }) => [
    ...serviceAddresses.map((address) => `addr add ${address}/32 dev lo`),
    ...serviceAddresses6.map((address) => `addr add ${address}/128 dev lo`),
  ],
  nat: () => [],
}

/** The two networks of a lab with nat. */
const [servers, clients] = ['10.0.0.0/24', '10.0.1.0/24']
const [servers6, clients6] = ['2001:db8::/64', '2001:db8:1::/64']

/** routes of a node, beside those of its own network, as lines for ip(8). */
const routes: Readonly<Record<LabForward, (topology: Topology, node: LabNode) => readonly string[]>> = {
  dsr: () => [],
  nat: (topology, { role, address6 }) => {
    const [balancer] = nodesOf(topology, 'balancer')
    const both = (four: string, six: string) =>
      address6 === undefined ? [`route add ${four}`] : [`route add ${four}`, `route add ${six}`]
    switch (role) {
      case 'client':
        return both(`${servers} dev eth0`, `${servers6} dev eth0`)
      case 'balancer':
        return both(`${clients} dev eth0`, `${clients6} dev eth0`)
      case 'server':
        return both(`default via ${balancer!.address}`, `default via ${balancer!.address6}`)
    }
  },
}

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
