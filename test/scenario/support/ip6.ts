// IPv6 in a lab, which is made without: every node gets an address beside its IPv4 one, with the same number at its end,
// and servers hold the IPv6 service address on lo. Nobody waits for duplicates, nobody believes routers.
//
//   client 10.0.0.200 2001:db8::200      lb1 10.0.0.2 2001:db8::2      web01 10.0.0.11 2001:db8::11 ...

import type { Lab } from '../../../src/lab/held-lab.ts'
import { batch, writeSysctls } from '../../../src/lab/run.ts'

/** ip6Of: a node's or service's IPv6 address. */
export const ip6Of = ({ address }: { readonly address: string }): string =>
  `2001:db8::${address.slice(address.lastIndexOf('.') + 1)}`

const sysctls = {
  'net/ipv6/conf/eth0/accept_ra': '0',
  'net/ipv6/conf/eth0/accept_dad': '0',
  'net/ipv6/conf/all/disable_ipv6': '0',
}

// A neighbour that is silent is found out in two seconds instead of a minute.
const impatient = {
  'net/ipv6/neigh/eth0/base_reachable_time_ms': '500',
  'net/ipv6/neigh/eth0/delay_first_probe_time': '1',
  'net/ipv6/neigh/eth0/retrans_time_ms': '100',
  'net/ipv6/neigh/eth0/interval_probe_time_ms': '200',
}

/** addIp6: call it before anything is started in the lab. */
export async function addIp6(lab: Lab): Promise<void> {
  const { nodes, serviceAddresses } = lab.topology
  for (const node of nodes) {
    writeSysctls(node.namespace, { ...sysctls, ...(node.role === 'balancer' && impatient) })
    const services = node.role === 'server' ? serviceAddresses : []
    await batch(node.namespace, [
      `addr add ${ip6Of(node)}/64 dev eth0`,
      ...services.map((address) => `addr add ${ip6Of({ address })}/128 dev lo`),
    ])
  }
}
