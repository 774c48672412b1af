// Where an attack in a lab goes, and the ways back from there: servers (with nat the balancer, which is their router) send
// what they answer to strangers to the client's node, as if that were the way out into the Internet; some of the attacker's
// addresses are that node's own, whose kernel answers as a real client's would.

import { OWN } from './attack-shape.ts'
import type { Lab } from './held-lab.ts'
import { batch } from './run.ts'
import { cablesOf, type LabNode, nodesOf, type Topology } from './topology.ts'

/** NETWORKS: those that attacks come from (RFC 2544, RFC 5180). */
const NETWORKS = { 4: '198.18.0.0/15', 6: '2001:2::/48' } as const
const own = (family: 4 | 6): string =>
  `${OWN[family].address}/${(family === 4 ? 32 : 128) - OWN[family].bits}`

/** waysBack makes them; those that are there stay. Throws LAB_COMMAND_FAILED. */
export async function waysBack({ topology }: Lab): Promise<void> {
  const [client] = nodesOf(topology, 'client') as [LabNode]
  const locals = families(topology).map((family) => `route replace local ${own(family)} dev lo`)
  await batch(client.namespace, locals)
  await Promise.all(
    nodesThatAnswer(topology).map(({ namespace, device }) => {
      const lines = families(topology).map((family) => {
        const via = family === 4 ? client.address : client.address6!
        return `route replace ${NETWORKS[family]} via ${via} dev ${device}`
      })
      return batch(namespace, lines)
    }),
  )
}

const families = ({ serviceAddresses6 }: Topology): readonly (4 | 6)[] =>
  serviceAddresses6.length > 0 ? [4, 6] : [4]

/** nodesThatAnswer: those that send to clients themselves, and by which interface. */
function nodesThatAnswer(topology: Topology): readonly { namespace: string; device: string }[] {
  const balancers = nodesOf(topology, 'balancer')
  const servers = nodesOf(topology, 'server')
  const isFront = (node: LabNode) => cablesOf(node).find(({ network }) => network === 'front')!.device
  const direct = topology.forward === 'dsr' || topology.router !== undefined
  return [...balancers, ...(direct ? servers : [])].map((node) => ({
    namespace: node.namespace,
    device: isFront(node),
  }))
}

/** portsOf: the switch's ports to balancers in front, by MAC. */
export const portsOf = (topology: Topology): Readonly<Record<string, string>> =>
  Object.fromEntries(
    nodesOf(topology, 'balancer')
      .flatMap((node) => cablesOf(node))
      .filter(({ network }) => network === 'front')
      .map(({ mac, port }) => [mac, port]),
  )
