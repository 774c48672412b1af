// What a lab is made of, as plain data: one switch, clients, nodes that run tenbin ("balancers"), servers, and
// their names, addresses and MACs. Everything that builds, draws, finds or removes a lab starts from a Topology, and
// the same options always give the same one. Every lab has a switch of its own, so all labs use the same addresses.
//
//   10.0.0.2..9  lb1..lb8      10.0.0.11..60  web01..web50      10.0.0.100..  services      10.0.0.200..  clients
//   ::2..9                     ::11..42                         ::100..                     ::200..           2001:db8
//
// With nat clients are on a network of their own, over the same switch: 10.0.1.200.. and 2001:db8:1::200.., so that servers
// do not answer them but by their router, which is lb1.
//
// A pair has two networks whatever the forward: `front` with clients, balancers and services (10.0.0.x), and `back` with
// balancers and servers (10.0.1.x, 2001:db8:1::x), whose router 10.0.1.1 is held by the active balancer. Servers have a
// cable in front as well, by which they answer clients with dsr.

import { TenbinError } from '../base/errors.ts'

/** FORWARDS: how a lab's service reaches its servers, the usual way first. */
export const FORWARDS = ['dsr', 'nat'] as const
export type LabForward = (typeof FORWARDS)[number]

export type LabRole = 'client' | 'balancer' | 'server'

/** LabNetwork: a lab has `front`; a pair has `back` as well. */
export type LabNetwork = 'front' | 'back'

/** LabNode: a machine of the lab: a network namespace with lo and eth0, in a pair's balancers and servers also eth1. */
export interface LabNode {
  readonly name: string
  readonly role: LabRole
  /** The namespace's name: /run/netns/<namespace>. */
  readonly namespace: string
  /** On eth0, within PREFIX_LENGTH. */
  readonly address: string
  /** On eth0, within PREFIX_LENGTH6; absent in a lab without IPv6. */
  readonly address6?: string
  /** Of eth0: 02:00 and the four bytes of the address, so that captures read easily. */
  readonly mac: string
  /** Of eth1: a balancer's in back, a server's in front. Absent where there is no eth1. */
  readonly second?: LabAddresses
}

/** LabAddresses: of an interface, as in LabNode. */
export type LabAddresses = Pick<LabNode, 'address' | 'address6' | 'mac'>

/** LabCable: an interface of a node, and the switch's port at the other end. */
export interface LabCable extends LabAddresses {
  readonly device: 'eth0' | 'eth1'
  readonly port: string
  readonly network: LabNetwork
}

/** Topology: a lab, described. The switch's port to a node's eth0 has the node's name, that to its eth1 "-b" behind it. */
export interface Topology {
  readonly lab: string
  readonly switch: { readonly namespace: string; readonly flooding: boolean }
  /** Clients, then balancers, then servers. Names are unique. */
  readonly nodes: readonly LabNode[]
  /** With dsr servers hold them on lo and never answer ARP for them; a balancer's daemon puts them on its eth0. */
  readonly serviceAddresses: readonly string[]
  /** One beside each of `serviceAddresses`; none in a lab without IPv6. */
  readonly serviceAddresses6: readonly string[]
  readonly forward: LabForward
  /** Of a pair: the router of the back network, which is an address of whichever balancer is active. */
  readonly router?: Pick<LabAddresses, 'address' | 'address6'>
}

/** TopologyOptions: how many of each; `pair`: two balancers between two networks; `ipv6`: beside IPv4, on all nodes; `flooding`: the switch learns nothing and sends every frame everywhere. */
export interface TopologyOptions {
  readonly servers?: number
  readonly balancers?: number
  readonly clients?: number
  readonly services?: number
  readonly flooding?: boolean
  readonly ipv6?: boolean
  readonly forward?: LabForward
  readonly pair?: boolean
}

export const PREFIX_LENGTH = 24
export const PREFIX_LENGTH6 = 64
export const MAX_SERVERS = 50
export const SWITCH = 'switch'

/** labTopology makes the Topology of the lab called `lab`. Throws LAB_OPTION_INVALID. */
export function labTopology(lab: string, options: TopologyOptions = {}): Topology {
  checkLabName(lab)
  const count = (
    name: keyof TopologyOptions & string,
    given: number | undefined,
    usual: number,
    most: number,
  ) => {
    const value = given ?? usual
    if (Number.isInteger(value) && value >= 1 && value <= most) return value
    throw new TenbinError('LAB_OPTION_INVALID', 'describe lab', {
      detail: `${name} must be a whole number from 1 to ${most}, not ${value}`,
    })
  }
  const namespace = (node: string) => `${namespacePrefix(lab)}${node}`
  const { ipv6 = false, forward = FORWARDS[0], pair = false } = options
  const addresses = (net: number, first: number, index: number): LabAddresses => ({
    address: `10.0.${net}.${first + index}`,
    ...(ipv6 && { address6: ip6(first, index, net) }),
    mac: `02:00:0a:00:0${net}:${(first + index).toString(16).padStart(2, '0')}`,
  })
  const isBehind: Readonly<Record<LabRole, boolean>> = {
    client: forward === 'nat' && !pair,
    balancer: false,
    server: pair,
  }
  const group = (role: LabRole, length: number, first: number, name: (number: number) => string) =>
    Array.from({ length }, (_, index): LabNode => {
      const node = name(index + 1)
      const net = isBehind[role] ? 1 : 0
      const second = pair && role !== 'client' && { second: addresses(1 - net, first, index) }
      return { name: node, role, namespace: namespace(node), ...addresses(net, first, index), ...second }
    })
  const services = count('services', options.services, 1, 99)
  return {
    lab,
    switch: { namespace: namespace(SWITCH), flooding: options.flooding ?? false },
    nodes: [
      ...group('client', count('clients', options.clients, 1, 50), 200, (n) =>
        n === 1 ? 'client' : `client${n}`,
      ),
      ...group('balancer', count('balancers', options.balancers, pair ? 2 : 1, 8), 2, (n) => `lb${n}`),
      ...group(
        'server',
        count('servers', options.servers, 4, MAX_SERVERS),
        11,
        (n) => `web${`${n}`.padStart(2, '0')}`,
      ),
    ],
    serviceAddresses: Array.from({ length: services }, (_, index) => `10.0.0.${100 + index}`),
    serviceAddresses6: Array.from({ length: ipv6 ? services : 0 }, (_, index) => ip6(100, index)),
    forward,
    ...(pair && { router: { address: '10.0.1.1', ...(ipv6 && { address6: '2001:db8:1::1' }) } }),
  }
}

/** ip6: the first of a group ends in the digits of its IPv4 address, the others count on in hexadecimal. */
const ip6 = (first: number, index: number, net = 0): string =>
  `2001:db8:${net === 0 ? '' : `${net}:`}:${(Number.parseInt(String(first), 16) + index).toString(16)}`

/** checkLabName: a letter, then up to 11 letters and digits. Throws LAB_OPTION_INVALID. */
export function checkLabName(lab: string): void {
  if (/^[a-z][a-z0-9]{0,11}$/.test(lab)) return
  throw new TenbinError('LAB_OPTION_INVALID', 'describe lab', {
    detail: `"${lab}" cannot name a lab: use a letter a-z, then up to 11 of a-z and 0-9`,
  })
}

/** namespacePrefix: how the names of all of a lab's namespaces begin, and no other lab's. */
export const namespacePrefix = (lab: string): string => `tenbin-${lab}-`

/** instanceName: the tenbin instance on a node of a lab, and so the name of its pins. */
export const instanceName = (lab: string, node: string): string => `${lab}-${node}`

/** fileName of a node's tenbin.yaml: the nodes of a pair have a file each, as machines have. */
export const fileName = ({ router }: Pick<Topology, 'router'>, node: string): string =>
  router ? `${node}.yaml` : 'tenbin.yaml'

/** nodesOf: the nodes of one role, in order. */
export const nodesOf = (topology: Topology, role: LabRole): readonly LabNode[] =>
  topology.nodes.filter((node) => node.role === role)

/** cablesOf: a node's cables, that of eth0 first. */
export function cablesOf({ role, name, address, address6, mac, second }: LabNode): readonly LabCable[] {
  const six = address6 !== undefined && { address6 }
  const isServer = role === 'server' && second !== undefined
  const [network, other]: readonly LabNetwork[] = isServer ? ['back', 'front'] : ['front', 'back']
  return [
    { device: 'eth0', port: name, network: network!, address, ...six, mac },
    ...(second ? [{ device: 'eth1', port: `${name}-b`, network: other!, ...second } as const] : []),
  ]
}

/** namespacesOf: the switch's namespace and those of all nodes. */
export const namespacesOf = (topology: Topology): readonly string[] => [
  topology.switch.namespace,
  ...topology.nodes.map((node) => node.namespace),
]

/** findNode: a node, or the switch, by name. Throws LAB_NODE_UNKNOWN. */
export function findNode(
  topology: Topology,
  name: string,
): { readonly name: string; readonly namespace: string } {
  if (name === SWITCH) return { name, namespace: topology.switch.namespace }
  const node = topology.nodes.find((candidate) => candidate.name === name)
  if (node) return node
  const names = [...topology.nodes.map((candidate) => candidate.name), SWITCH]
  throw new TenbinError('LAB_NODE_UNKNOWN', `find node ${name}`, {
    detail: `lab ${topology.lab} has no node "${name}"; it has ${names.join(', ')}`,
  })
}
