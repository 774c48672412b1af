// What the kernel counts of a lab's processes, read from /proc (proc(5)) without a command in between, because a command
// takes longer than what is to be told apart.

import { readdirSync, readFileSync } from 'node:fs'
import type { Lab } from '../../src/lab/held-lab.ts'
import { processesIn } from '../../src/lab/processes.ts'
import { findNode, namespacesOf } from '../../src/lab/topology.ts'
import { namespacePath } from '../../src/sys/named-namespace.ts'

/** pidsOf: the processes of one node. */
export const pidsOf = (lab: Lab, node: string): readonly number[] =>
  processesIn([namespacePath(findNode(lab.topology, node).namespace)]).map(({ pid }) => pid)

/** pidsOfAll: the processes of all nodes, and the kernel's thread for packets that wait on `cpu` (ksoftirqd). */
export function pidsOfAll(lab: Lab, cpu: number): readonly number[] {
  const isSoftirq = (pid: string) => text(`/proc/${pid}/comm`) === `ksoftirqd/${cpu}\n`
  const kernel = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && isSoftirq(pid))
  const lives = processesIn(namespacesOf(lab.topology).map(namespacePath)).map(({ pid }) => pid)
  return [...lives, ...kernel.map(Number)]
}

/** cpuSeconds: the time that they ran so far, all threads (schedstat: nanoseconds); those that have ended count 0. */
export function cpuSeconds(pids: readonly number[]): number {
  let nanoseconds = 0
  for (const pid of pids)
    for (const thread of threads(pid))
      nanoseconds += Number(text(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0])
  return nanoseconds / 1e9
}

/** Tcp: of one namespace since it was made: connections begun (SYN sent), and accepted; segments sent again. */
export interface Tcp {
  readonly begun: number
  readonly accepted: number
  readonly resent: number
}

/** tcpOf: the counters of the namespace in which the process lives. Throws where it is gone. */
export function tcpOf(pid: number): Tcp {
  const [names, values] = readFileSync(`/proc/${pid}/net/snmp`, 'latin1')
    .split('\n')
    .filter((line) => line.startsWith('Tcp:'))
    .map((line) => line.split(' ')) as [string[], string[]]
  const value = (name: string) => Number(values[names.indexOf(name)])
  return { begun: value('ActiveOpens'), accepted: value('PassiveOpens'), resent: value('RetransSegs') }
}

const threads = (pid: number): readonly string[] => {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

const text = (path: string): string => {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
