// Which CPU does what. One is the balancer's network card: the flood, the switch and all that the kernel does about frames on
// their way. The other one is whoever asks and answers, and what their kernels do. A frame of a veth pair is otherwise
// taken in by the CPU that sent it, and so a client's frame would move the card, flood and all, to the CPU that answers.

import { processesIn } from '../../src/lab/processes.ts'
import { runIn } from '../../src/lab/run.ts'
import { cablesOf, type LabNode, nodesOf, type Topology } from '../../src/lab/topology.ts'
import { setAffinityOf } from '../../src/sys/affinity.ts'
import { namespacePath } from '../../src/sys/named-namespace.ts'

/** Cpus: of who asks and answers, and of the balancer's network card. */
export interface Cpus {
  readonly ends: number
  readonly network: number
}

/** placeNetwork: frames from clients and servers are the network's as soon as they are sent, and theirs as they come in. */
export async function placeNetwork(topology: Topology, { ends, network }: Cpus): Promise<void> {
  const nodes = [...nodesOf(topology, 'client'), ...nodesOf(topology, 'server')]
  const cables = (node: LabNode, end: 'device' | 'port') => cablesOf(node).map((cable) => cable[end])
  await receiveOn(
    topology.switch.namespace,
    nodes.flatMap((node) => cables(node, 'port')),
    network,
  )
  await Promise.all(nodes.map((node) => receiveOn(node.namespace, cables(node, 'device'), ends)))
}

/** receiveOn one CPU whatever comes in at these interfaces (RPS: Documentation/networking/scaling.rst). */
const receiveOn = (namespace: string, devices: readonly string[], cpu: number): Promise<string> => {
  const files = devices.map((device) => `/sys/class/net/${device}/queues/rx-0/rps_cpus`)
  // ip(8) has the namespace's own /sys.
  return runIn(namespace, ['ip', 'netns', 'exec', namespace, 'tee', ...files], cpuMask(cpu))
}

/** cpuMask of one CPU: hexadecimal, in groups of 32 bits (bitmap_parse). */
const cpuMask = (cpu: number): string =>
  [(1 << (cpu % 32)) >>> 0, ...Array<number>(Math.floor(cpu / 32)).fill(0)]
    .map((word) => word.toString(16))
    .join(',')

/** placeProcesses: those of the nodes of a role that run now. */
export function placeProcesses(topology: Topology, role: LabNode['role'], cpu: number): void {
  const places = nodesOf(topology, role).map(({ namespace }) => namespacePath(namespace))
  for (const { pid } of processesIn(places)) setAffinityOf(pid, [cpu])
}
