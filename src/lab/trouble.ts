// What may befall a node of a lab, on purpose: its tenbin is killed, or stopped as if the machine stood still, or a cable of it
// is pulled out at the switch; and all of that undone. Processes that a person has on a terminal there are left alone.

import { setTimeout as delay } from 'node:timers/promises'
import { TenbinError } from '../base/errors.ts'
import { namespacePath } from '../sys/named-namespace.ts'
import { Balancer } from './balancer.ts'
import type { Lab } from './held-lab.ts'
import { hasTerminal, isAlive, isStopped, type ProcessId, processesIn } from './processes.ts'
import { batch } from './run.ts'
import { cablesOf, findNode, type LabNetwork, type LabNode, type Topology } from './topology.ts'

/** TROUBLES, by the words of the command. */
export const TROUBLES = ['kill', 'freeze', 'cut', 'heal'] as const
export type Trouble = (typeof TROUBLES)[number]

/** killNode ends every process of tenbin on a node (SIGKILL); resolves with how many there were when none is left. */
export async function killNode({ topology }: Lab, name: string): Promise<number> {
  const processes = daemonsOf(topology, name)
  for (const { pid } of processes) process.kill(pid, 'SIGKILL')
  while (processes.some(isAlive)) await delay(5)
  return processes.length
}

/** freezeNode stops them (SIGSTOP): they are there, and do nothing. Resolves with how many there are when none runs. */
export async function freezeNode({ topology }: Lab, name: string): Promise<number> {
  const processes = daemonsOf(topology, name)
  for (const { pid } of processes) process.kill(pid, 'SIGSTOP')
  while (processes.some((each) => isAlive(each) && !isStopped(each))) await delay(5)
  return processes.length
}

/** cutNode pulls its cables out at the switch, or that of one network. Throws LAB_NODE_UNKNOWN, LAB_OPTION_INVALID. */
export async function cutNode({ topology }: Lab, name: string, network?: LabNetwork): Promise<void> {
  await switchPorts(topology, name, 'down', network)
}

/** Healed: what was wrong and is not any more. */
export interface Healed {
  readonly resumed: number
  readonly restarted: boolean
}

/**
 * healNode: its cables are in, its processes go on, and a tenbin that was killed starts again. Resolves when that forwards.
 * Throws LAB_NODE_UNKNOWN, LAB_PROCESS_FAILED.
 */
export async function healNode(lab: Lab, name: string): Promise<Healed> {
  const node = nodeOf(lab.topology, name)
  await switchPorts(lab.topology, name, 'up')
  const stopped = processesIn([namespacePath(node.namespace)]).filter(isStopped)
  for (const { pid } of stopped) process.kill(pid, 'SIGCONT')
  const tenbin = lab.state.processes.findLast((one) => one.what === 'tenbin' && one.node === name)
  const restarted = tenbin !== undefined && !isAlive(tenbin)
  if (restarted) await new Balancer(lab, name).start()
  return { resumed: stopped.length, restarted }
}

function nodeOf(topology: Topology, name: string): LabNode {
  const node = findNode(topology, name)
  if ('role' in node) return node as LabNode
  throw new TenbinError('LAB_OPTION_INVALID', name, { detail: 'the switch is not a node' })
}

function daemonsOf(topology: Topology, name: string): readonly ProcessId[] {
  const { role, namespace } = nodeOf(topology, name)
  if (role === 'balancer') return processesIn([namespacePath(namespace)]).filter((one) => !hasTerminal(one))
  throw new TenbinError('LAB_OPTION_INVALID', name, {
    detail: `there is no tenbin on ${name}: a ${role} can only be cut off`,
  })
}

async function switchPorts(
  topology: Topology,
  name: string,
  to: 'up' | 'down',
  network?: LabNetwork,
): Promise<void> {
  const cables = cablesOf(nodeOf(topology, name)).filter(
    (cable) => cable.network === (network ?? cable.network),
  )
  if (cables.length === 0)
    throw new TenbinError('LAB_OPTION_INVALID', name, {
      detail: `${name} has no cable to the network ${network}`,
    })
  await batch(
    topology.switch.namespace,
    cables.map(({ port }) => `link set dev ${port} ${to}`),
  )
}
