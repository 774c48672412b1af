// Which way bytes took in a lab, as the switch's ports counted them (proc(5): net/dev): into the balancers, out of them,
// and out of the servers. So it is seen what a balancer does not see: with dsr the answers. Whole frames, ARP included.

import { readFileSync } from 'node:fs'
import { openNamed } from '../sys/named-namespace.ts'
import { cablesOf, nodesOf, type Topology } from './topology.ts'

/** ByteCounts: bytes since the lab was made, or between two times. */
export interface ByteCounts {
  readonly intoBalancer: number
  readonly outOfBalancer: number
  readonly fromServers: number
}

/** byteCounts reads them. Throws SyscallError where the switch is gone. */
export function byteCounts(topology: Topology): ByteCounts {
  using place = openNamed(topology.switch.namespace)
  // The file of this thread, which is in the namespace; /proc/net is the process's.
  const ports = parsePorts(place.run(() => readFileSync('/proc/thread-self/net/dev', 'latin1')))
  const sum = (role: 'balancer' | 'server', of: (port: Port) => number) =>
    nodesOf(topology, role)
      .flatMap((node) => cablesOf(node))
      .reduce((total, { port }) => total + of(ports.get(port) ?? NOTHING), 0)
  return {
    // To where XDP runs, veth counts frames without their Ethernet headers (drivers/net/veth.c: veth_xdp_rcv).
    intoBalancer: sum('balancer', ({ sent, framesSent }) => sent + ETH_HLEN * framesSent),
    outOfBalancer: sum('balancer', ({ received }) => received),
    fromServers: sum('server', ({ received }) => received),
  }
}

/** bytesBetween: how much each grew. */
export const bytesBetween = (from: ByteCounts, to: ByteCounts): ByteCounts => ({
  intoBalancer: to.intoBalancer - from.intoBalancer,
  outOfBalancer: to.outOfBalancer - from.outOfBalancer,
  fromServers: to.fromServers - from.fromServers,
})

/** bytesText writes an amount with three digits that mean something: 12 B, 1.23 kB, 45.6 MB. */
export function bytesText(bytes: number): string {
  let [value, unit] = [bytes, 0]
  for (; value >= 999.5 && unit < UNITS.length - 1; unit++) value /= 1000
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
  return `${value.toFixed(digits)} ${UNITS[unit]}`
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

/** Port: bytes, and frames sent. */
interface Port {
  readonly received: number
  readonly sent: number
  readonly framesSent: number
}

const NOTHING: Port = { received: 0, sent: 0, framesSent: 0 }
const ETH_HLEN = 14

/** parsePorts: each interface's port: of the fields behind its name the first, the ninth and the tenth. */
function parsePorts(text: string): ReadonlyMap<string, Port> {
  return new Map(
    text
      .trim()
      .split('\n')
      .slice(2)
      .map((line) => {
        const [name = '', fields = ''] = line.split(':')
        const numbers = fields.trim().split(/\s+/).map(Number)
        return [name.trim(), { received: numbers[0]!, sent: numbers[8]!, framesSent: numbers[9]! }]
      }),
  )
}
