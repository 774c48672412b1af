// What a file that load() accepts would use, and what this machine, if it is one of the file's nodes, has to say
// to it. What may still come (an interface, a route, an address) is a warning, as `tenbin run` waits for it, and so is
// what is kept only nearly; what contradicts the file is an error.

import { formatIp, formatListener, macFromBytes } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { defenceWords } from '../config/defence-words.ts'
import { listWarnings } from '../config/list-sense.ts'
import { unreachedWarnings } from '../config/rule-reach.ts'
import { type DesiredState, heldBy, ONLY_NODE, type SysctlState, serviceNics } from '../config/state.ts'
import { sysctlsOf } from '../config/sysctls.ts'
import type { EngineInterface } from '../engine/engine.ts'
import { scaledWeights } from '../engine/picker.ts'
import { TENBIN_PROTOCOL } from '../netlink/mark.ts'
import type { Network } from '../netlink/network.ts'
import type { Problem } from './api-schema.ts'
import { type LocalPorts, sharedPorts } from './check-ports.ts'
import { failoverProblems, failoverWarnings, type MovingUse, movingUses } from './failover-check.ts'
import { type FlowNeed, flowNeed } from './flow-need.ts'
import { type MachineMemory, memoryShortage } from './memory.ts'
import { crowdedNeighbours, type NeighbourRoom } from './neighbour-room.ts'
import { notifyProblems } from './notify-files.ts'
import { type Placement, place, specOf } from './placement.ts'
import { type MapSize, preview } from './preview.ts'
import { problem, problemsOf } from './problem.ts'
import { scriptProblems } from './scripts.ts'

/** Uses: what the file would use on a node. */
export interface Uses {
  readonly node: string
  /** Those that forward; where the machine is not looked at, those that address sets are on. */
  readonly interfaces: readonly { readonly name: string; readonly instructions: number }[]
  readonly addresses: readonly string[]
  /** Address sets that move. */
  readonly moving: readonly MovingUse[]
  /** Kernel settings, as `NAME: VALUE`. */
  readonly sysctls: readonly string[]
  readonly services: readonly {
    readonly name: string
    readonly listeners: readonly string[]
    readonly pool: string
    readonly servers: number
  }[]
  readonly listeners: number
  readonly servers: number
  /** What services are defended by, a phrase each; none: nothing. */
  readonly defence: readonly string[]
  /** The sum of `maps`. */
  readonly memoryBytes: number
  readonly maps: readonly MapSize[]
  /** Absent: no service has flows remembered. */
  readonly flows?: FlowNeed
}

/** Examination: `isHere`: this machine is the node. */
export interface Examination {
  readonly isHere: boolean
  readonly errors: readonly Problem[]
  readonly warnings: readonly Problem[]
  readonly uses: Uses
  /** listing: the program, one instruction or source line each. */
  readonly listing: () => readonly string[]
}

/** Machine: what a file is compared with. */
export interface Machine {
  readonly network: Network
  /** Absent: whether it fits is not asked. */
  readonly memory?: MachineMemory
  /** Absent: whether checks share theirs is not asked. */
  readonly ports?: LocalPorts
  /** Absent: whether all servers fit among its neighbours is not asked. */
  readonly neighbours?: (sysctls: readonly SysctlState[]) => NeighbourRoom
}

/** examine looks at a file, and at this machine if it is handed in. `cpus`: possible CPUs. */
export function examine(desired: DesiredState, machine: Machine | undefined, cpus: number): Examination {
  const { placement, problems } = look(desired, machine?.network)
  const node = placement?.node ?? desired.nodes[0]?.name ?? ONLY_NODE
  const spec = placement?.spec ?? specOf(desired, node, serviceNics(desired, node).map(anyLink), [])
  const { interfaces, maps, listing } = preview(spec, cpus)
  const shortage = placement && machine?.memory ? memoryShortage(maps, machine.memory) : []
  const flows = flowNeed(desired)
  const sysctls = sysctlsOf(desired, node)
  return {
    listing,
    isHere: placement !== undefined,
    errors: [
      ...problems.filter(({ code }) => !mayStillCome.has(code)),
      ...shortage,
      ...(placement
        ? [...scriptProblems(desired), ...notifyProblems(desired), ...failoverProblems(desired)]
        : []),
    ],
    warnings: [
      ...problems.filter(({ code }) => mayStillCome.has(code)),
      ...scaledWeights(spec).map((message) => problem('WEIGHTS_SCALED', message)),
      ...unreachedWarnings(desired.defence?.rules ?? []).map((message) => problem('RULE_UNREACHED', message)),
      ...listWarnings(desired).map((message) => problem('LIST_IDLE', message)),
      ...differingMtus(placement),
      ...failoverWarnings(desired, node, placement && machine?.network),
      ...(placement && machine?.ports ? sharedPorts(desired, machine.ports) : []),
      ...(placement && machine?.neighbours
        ? crowdedNeighbours(spec.servers, () => machine.network.listAddresses(), machine.neighbours(sysctls))
        : []),
    ],
    uses: {
      node,
      interfaces,
      addresses: heldBy(desired, node).map(({ address, prefix }) => `${formatIp(address)}/${prefix}`),
      moving: movingUses(desired),
      sysctls: sysctls.map(({ name, value }) => `${name}: ${value}`),
      services: desired.services.map(({ name, listeners, pool }) => ({
        name,
        listeners: listeners.map(formatListener),
        pool,
        servers: spec.pools.find((each) => each.name === pool)?.members.length ?? 0,
      })),
      listeners: spec.services.reduce((sum, { listeners }) => sum + listeners.length, 0),
      servers: spec.servers.length,
      defence: defenceWords(desired),
      memoryBytes: maps.reduce((sum, { bytes }) => sum + bytes, 0),
      maps,
      ...(flows && { flows }),
    },
  }
}

/** differingMtus: what is longer than the MTU of the NIC that it is to leave by is dropped by the kernel, and nobody is told. */
function differingMtus(placement: Placement | undefined): Problem[] {
  const links = placement?.links ?? []
  if (new Set(links.map(({ mtu }) => mtu)).size < 2) return []
  return [problem('MTU_DIFFERS', links.map(({ name, mtu }) => `${name} has an MTU of ${mtu}`).join(', '))]
}

const mayStillCome: ReadonlySet<string> = new Set(['NODE_UNKNOWN', 'INTERFACE_MISSING', 'SERVER_UNREACHABLE'])

interface Look {
  readonly placement?: Placement
  readonly problems: readonly Problem[]
}

function look(desired: DesiredState, network: Network | undefined): Look {
  if (!network) return { problems: [] }
  const addresses = network.listAddresses()
  const { nodes } = desired
  if (nodes.length > 0 && !nodes.some((node) => addresses.some(({ address }) => address === node.address))) {
    const list = nodes.map(({ name, address }) => `${name} ${formatIp(address)}`).join(', ')
    return { problems: [problem('NODE_UNKNOWN', `this machine is none of the nodes: ${list}`)] }
  }
  try {
    const placement = place(desired, {
      links: network.listLinks(),
      addresses,
      route: (destination) => network.getRoute(destination),
      isOwn: (ifindex, address) =>
        addresses.some(
          (each) => each.ifindex === ifindex && each.address === address && each.protocol === TENBIN_PROTOCOL,
        ),
      isServing: () => false,
    })
    return { placement, problems: [] }
  } catch (error) {
    if (!(error instanceof TenbinError)) throw error
    return { problems: problemsOf(error) }
  }
}

/** anyLink stands in for a NIC that is not looked at: only its name is known, and its place among them. */
const anyLink = (name: string, at: number): EngineInterface => ({
  name,
  index: at + 1,
  mac: macFromBytes(Uint8Array.of(2, 0, 0, 0, at >> 8, at & 0xff)),
  mtu: 1500,
})
