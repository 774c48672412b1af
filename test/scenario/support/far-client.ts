// A client behind a client: a namespace that the lab's first client routes for, over a link that takes smaller packets
// than the lab. So the first client is a router that refuses large packets, and says so to their sender by ICMP.

import type { Lab } from '../../../src/lab/held-lab.ts'
import { batch, runIn, writeSysctls } from '../../../src/lab/run.ts'
import { findNode, namespacePrefix } from '../../../src/lab/topology.ts'
import { createNamed, removeNamed } from '../../../src/sys/named-namespace.ts'

/** FAR_MTU: what a packet to the far client may be at most. */
export const FAR_MTU = 1280
/** FAR_NETWORK: the network behind the client. */
export const FAR_NETWORK = { ipv4: '10.9.0.0/24', ipv6: '2001:db8:9::/64' } as const

export class FarClient implements Disposable {
  readonly #namespace: string

  private constructor(namespace: string) {
    this.#namespace = namespace
  }

  /** make: whoever answers must have a route to FAR_NETWORK by the client. IPv6 where the lab has it. */
  static async make(lab: Lab): Promise<FarClient> {
    const name = `${namespacePrefix(lab.topology.lab)}far`
    const far = new FarClient(name)
    createNamed(name)[Symbol.dispose]()
    const router = findNode(lab.topology, 'client').namespace
    const ipv6 = lab.topology.serviceAddresses6.length > 0
    await batch(router, [
      `link add name far mtu ${FAR_MTU} type veth peer name eth0 netns ${name}`,
      'addr add 10.9.0.1/24 dev far',
      ...(ipv6 ? ['addr add 2001:db8:9::1/64 dev far nodad'] : []),
      'link set far up',
    ])
    writeSysctls(router, {
      'net/ipv4/ip_forward': '1',
      ...(ipv6 && { 'net/ipv6/conf/all/forwarding': '1' }),
    })
    await batch(name, [
      'link set lo up',
      'addr add 10.9.0.2/24 dev eth0',
      ...(ipv6 ? ['addr add 2001:db8:9::2/64 dev eth0 nodad'] : []),
      'link set eth0 up',
      'route add default via 10.9.0.1',
      ...(ipv6 ? ['route add default via 2001:db8:9::1'] : []),
    ])
    const off = ['tx', 'off', 'gro', 'off', 'rxvlan', 'off', 'txvlan', 'off']
    for (const [place, device] of [
      [router, 'far'],
      [name, 'eth0'],
    ] as const)
      await runIn(place, ['ethtool', '-K', device, ...off])
    return far
  }

  /** run waits for a command and returns its stdout. */
  run(command: readonly [string, ...string[]]): Promise<string> {
    return runIn(this.#namespace, command)
  }

  [Symbol.dispose](): void {
    removeNamed(this.#namespace)
  }
}
