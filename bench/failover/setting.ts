// What both who take part are set to, and which causes there are.

import type { Lab } from '../../src/lab/held-lab.ts'
import type { Command } from '../../src/lab/run.ts'
import { PREFIX_LENGTH } from '../../src/lab/topology.ts'

/** SERVICE: the address that moves. */
export const SERVICE = '10.0.0.100'
export const ADDRESS = `${SERVICE}/${PREFIX_LENGTH}`
export const VRID = 51

/** Setting: of one node. */
export interface Setting {
  readonly advertMs: number
  readonly priority: number
}

/** PRIORITIES: lb1 preempts. */
export const PRIORITIES = { lb1: 200, lb2: 100 } as const
export type NodeName = keyof typeof PRIORITIES

/** Contender: the command that runs it on a node, in the foreground. */
export type Contender = (lab: Lab, node: NodeName, setting: Setting) => Command

/**
 * CAUSES, in the order of bench.md: all processes killed and the link down; all killed, the link up; the link down; all
 * stopped (SIGSTOP); asked to end (SIGTERM).
 */
export const CAUSES = ['crash', 'daemon', 'link', 'freeze', 'orderly'] as const
export type Cause = (typeof CAUSES)[number]
