// A node's cable pulled out and another one put in: its eth0 is deleted, and made anew with another index, the same
// names, MAC and address, as a driver that is reloaded does it.

import type { Lab } from '../../../src/lab/held-lab.ts'
import { passAll } from '../../../src/lab/pass-program.ts'
import { batch } from '../../../src/lab/run.ts'
import { findNode, instanceName, type LabNode, PREFIX_LENGTH, SWITCH } from '../../../src/lab/topology.ts'

/** unplug deletes the interface; with it goes its end at the switch. */
export const unplug = (lab: Lab, node: string): Promise<string> =>
  lab.run(node, ['ip', 'link', 'del', 'eth0'])

/** plug makes it anew. */
export async function plug(lab: Lab, node: string): Promise<void> {
  const { name, mac, namespace, address } = findNode(lab.topology, node) as LabNode
  const place = lab.topology.switch.namespace
  await batch(place, [
    `link add name ${name} type veth peer name eth0 address ${mac} netns ${namespace}`,
    `link set ${name} master br0`,
    `link set ${name} up`,
  ])
  await passAll(place, [name], instanceName(lab.name, SWITCH))
  const realFrames = ['tx', 'off', 'gro', 'off', 'rxvlan', 'off', 'txvlan', 'off'] as const
  await lab.run(SWITCH, ['ethtool', '-K', name, ...realFrames])
  await batch(namespace, [`addr add ${address}/${PREFIX_LENGTH} dev eth0`, 'link set eth0 up'])
  await lab.run(node, ['ethtool', '-K', 'eth0', ...realFrames])
}
