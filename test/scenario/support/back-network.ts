// A second network behind a lab's first one: another bridge at the switch, and for each node that is on it an eth1 there,
// with the same last byte in its addresses: 10.1.0.x, and 2001:db8:1::x where the lab has IPv6.

import type { Lab } from '../../../src/lab/held-lab.ts'
import { passAll } from '../../../src/lab/pass-program.ts'
import { batch, writeSysctls } from '../../../src/lab/run.ts'
import {
  findNode,
  instanceName,
  type LabNode,
  PREFIX_LENGTH,
  PREFIX_LENGTH6,
  SWITCH,
} from '../../../src/lab/topology.ts'

const BRIDGE = 'br1'
const realFrames = ['tx', 'off', 'gro', 'off', 'rxvlan', 'off', 'txvlan', 'off'] as const

const port = ({ name }: LabNode): string => `${name}-b`
const nodeOf = (lab: Lab, name: string): LabNode => findNode(lab.topology, name) as LabNode

/** backAddress: a node's address on the back network. */
export const backAddress = ({ address }: LabNode): string => address.replace('10.0.', '10.1.')
const backAddress6 = (address6: string): string => address6.replace('2001:db8::', '2001:db8:1::')

/** addBackNetwork makes it, with these nodes on it. */
export async function addBackNetwork(lab: Lab, nodes: readonly string[]): Promise<void> {
  await batch(lab.topology.switch.namespace, [
    `link add name ${BRIDGE} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
    `link set ${BRIDGE} up`,
  ])
  for (const node of nodes) await plugBack(lab, node)
}

/** plugBack puts a node's cable to it in. */
export async function plugBack(lab: Lab, name: string): Promise<void> {
  const node = nodeOf(lab, name)
  const place = lab.topology.switch.namespace
  const mac = node.mac.replace('02:00:0a:00', '02:00:0a:01')
  await batch(place, [
    `link add name ${port(node)} type veth peer name eth1 address ${mac} netns ${node.namespace}`,
    `link set ${port(node)} master ${BRIDGE}`,
    `link set ${port(node)} up`,
  ])
  if (node.role === 'balancer') await passAll(place, [port(node)], instanceName(lab.name, SWITCH))
  await lab.run(SWITCH, ['ethtool', '-K', port(node), ...realFrames])
  // requests come in by one interface, and what answers them leaves by the other
  writeSysctls(node.namespace, { 'net/ipv4/conf/all/rp_filter': '0', 'net/ipv4/conf/eth1/rp_filter': '0' })
  const six =
    node.address6 === undefined
      ? []
      : [`addr add ${backAddress6(node.address6)}/${PREFIX_LENGTH6} dev eth1 nodad`]
  await batch(node.namespace, [
    `addr add ${backAddress(node)}/${PREFIX_LENGTH} dev eth1`,
    ...six,
    'link set eth1 up',
  ])
  await lab.run(name, ['ethtool', '-K', 'eth1', ...realFrames])
}

/** unplugBack pulls it out: the interface is gone. */
export const unplugBack = (lab: Lab, node: string): Promise<string> =>
  lab.run(node, ['ip', 'link', 'del', 'eth1'])
