// What there is of a lab, for people and for programs: its nodes, what is wrong with them (cables that are out, processes that
// are stopped), who holds the addresses that move, and what each daemon says of its roles. What is held is read from each
// node's kernel, so that an address that two nodes have is seen, whatever they say.

import { formatIp } from '../base/addresses.ts'
import { KernelNetwork } from '../netlink/kernel-network.ts'
import { openNamed } from '../sys/named-namespace.ts'
import { isErrno } from '../sys/syscall.ts'
import { Balancer } from './balancer.ts'
import { tenbinWord } from './entry.ts'
import { Lab } from './held-lab.ts'
import { SERVICE_PORT } from './lab-file.ts'
import { isAlive, isStopped } from './processes.ts'
import { isLeftover, type LabState, labDirectory } from './state.ts'
import { type LabOutput, paintOf } from './terminal.ts'
import {
  cablesOf,
  type LabAddresses,
  type LabForward,
  type LabNetwork,
  type LabNode,
  type LabRole,
  type Topology,
} from './topology.ts'

/** LabNodeView: `cut`: the networks whose cable is out. */
export interface LabNodeView {
  readonly name: string
  readonly role: LabRole
  readonly address: string
  readonly address6?: string
  readonly namespace: string
  readonly second?: Omit<LabAddresses, 'mac'>
  readonly cut?: readonly LabNetwork[]
  /** Of a balancer: addresses of services, and of the servers' router, that its kernel has. */
  readonly holds?: readonly string[]
  /** Of a balancer of a pair whose daemon answers: its role for each address set that moves. */
  readonly roles?: Readonly<Record<string, string>>
}

/** LabView: what there is of one lab. */
export interface LabView {
  readonly name: string
  /** `held`: a command that runs (a demo, a test) has it; `leftover`: nobody has, the next command removes it. */
  readonly phase: 'up' | 'held' | 'leftover'
  readonly createdAt: string
  readonly directory: string
  readonly service: string
  readonly service6?: string
  readonly forward: LabForward
  readonly nodes: readonly LabNodeView[]
  /** `frozen`: it is there, but stopped. */
  readonly processes: readonly {
    readonly what: string
    readonly node: string
    readonly pid: number
    readonly running: boolean
    readonly frozen?: true
  }[]
}

/** view: as it is now. */
export function view(state: LabState): LabView {
  const { topology, processes, createdAt } = state
  const [service6] = topology.serviceAddresses6
  const phase = isLeftover(state) ? 'leftover' : state.phase
  const cut = phase === 'leftover' ? new Set<string>() : portsThatAreDown(topology)
  return {
    name: topology.lab,
    phase,
    createdAt,
    directory: labDirectory(topology.lab),
    service: `${topology.serviceAddresses[0]}:${SERVICE_PORT}`,
    ...(service6 !== undefined && { service6: `[${service6}]:${SERVICE_PORT}` }),
    forward: topology.forward,
    nodes: topology.nodes.map(({ mac: _, second, ...node }) => {
      const networks = cablesOf({ ...node, mac: '', ...(second && { second }) }).filter(({ port }) =>
        cut.has(port),
      )
      const isBalancer = node.role === 'balancer' && phase !== 'leftover'
      return {
        ...node,
        ...(second && { second: withoutMac(second) }),
        ...(networks.length > 0 && { cut: networks.map(({ network }) => network) }),
        ...(isBalancer && { holds: held(topology, node.namespace) }),
      }
    }),
    processes: processes.map((one) => ({
      what: one.what,
      node: one.node,
      pid: one.pid,
      running: isAlive(one),
      ...(isStopped(one) && { frozen: true }),
    })),
  }
}

/** viewWithRoles: view, and what each daemon of a pair says of its roles; one that does not answer in time says nothing. */
export async function viewWithRoles(state: LabState): Promise<LabView> {
  const seen = view(state)
  if (!state.topology.router || seen.phase === 'leftover') return seen
  const lab = Lab.resume(state)
  const nodes = seen.nodes.map(async (node) => {
    const status = node.role === 'balancer' ? await new Balancer(lab, node.name).status() : undefined
    const roles = (status?.sets ?? []).flatMap(({ name, role, failover }) =>
      failover && role ? [[name, role] as const] : [],
    )
    return roles.length === 0 ? node : { ...node, roles: Object.fromEntries(roles) }
  })
  return { ...seen, nodes: await Promise.all(nodes) }
}

/** describe: lines for people. */
export function describe(lab: LabView, out: LabOutput): string {
  const paint = paintOf(out)
  const phase = lab.phase === 'up' ? paint.good('up') : paint.bad(lab.phase)
  const nodes = lab.nodes.map(({ name, role, address, address6, namespace, cut, holds, roles }) => {
    const second = address6 === undefined ? '' : `${address6.padEnd(14)} `
    const words = [
      ...Object.entries(roles ?? {}).map(([set, is]) => `${set} ${is === 'active' ? paint.good(is) : is}`),
      ...(holds && holds.length > 0 ? [`has ${holds.join(', ')}`] : []),
      ...(cut ? [paint.bad(`cut from ${cut.join(' and ')}`)] : []),
    ]
    const line = `  ${name.padEnd(9)} ${role.padEnd(9)} ${address.padEnd(12)} ${second}${paint.faint(namespace)}`
    return [line, ...words].join('  ')
  })
  const processes = lab.processes.map(({ what, node, pid, running, frozen }) => {
    const words = running ? `process ${pid}${frozen ? paint.bad(', frozen') : ''}` : paint.bad('not running')
    return `  ${what} on ${node}: ${words}`
  })
  const services = lab.service6 === undefined ? lab.service : `${lab.service} and ${lab.service6}`
  const head = `${paint.strong(lab.name)}: ${phase}, ${services} by ${lab.forward}, files in ${lab.directory}`
  const down = `\`${tenbinWord()} lab down --name ${lab.name}\``
  const remedy = lab.phase === 'leftover' ? [`  nobody's any more: ${down} removes it`] : []
  return `${[head, ...nodes, ...processes, ...remedy].join('\n')}\n`
}

const withoutMac = ({ mac: _, ...addresses }: LabAddresses): Omit<LabAddresses, 'mac'> => addresses

/** inside: what `look` sees of a namespace's network: nothing where that is not made yet, or removed already. */
function inside(namespace: string, look: (network: KernelNetwork) => readonly string[]): readonly string[] {
  try {
    using place = openNamed(namespace)
    using network = place.run(() => new KernelNetwork())
    return look(network)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []
    throw error
  }
}

const portsThatAreDown = ({ switch: { namespace } }: Topology): ReadonlySet<string> => {
  const down = (network: KernelNetwork) => network.listLinks().filter(({ isUp }) => !isUp)
  return new Set(inside(namespace, (network) => down(network).map(({ name }) => name)))
}

/** movingAddresses: those of services, and of the servers' router. */
export const movingAddresses = ({
  serviceAddresses,
  serviceAddresses6,
  router,
}: Topology): readonly string[] => [
  ...serviceAddresses,
  ...serviceAddresses6,
  ...(router ? [router.address, ...(router.address6 === undefined ? [] : [router.address6])] : []),
]

/** held: which of the addresses that move a node's kernel has. */
export function held(topology: Topology, namespace: LabNode['namespace']): readonly string[] {
  const there = inside(namespace, (network) =>
    network.listAddresses().map(({ address }) => formatIp(address)),
  )
  return movingAddresses(topology).filter((each) => there.includes(each))
}
