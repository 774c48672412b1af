// Commands inside a lab's nodes whose end is looked at, whatever it is; and the reason why scenarios are skipped.

import { text } from 'node:stream/consumers'
import type { Lab } from '../../../src/lab/held-lab.ts'
import type { Command } from '../../../src/lab/run.ts'

/** skip: why scenarios cannot run here; false where they can. */
export const skip = process.geteuid?.() !== 0 && 'network namespaces need root'

/** Ended: a command that has ended; `code` 128 + a signal's number is not made: a signal counts as -1. */
export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** execute runs a command in a node to its end. */
export async function execute(lab: Lab, node: string, command: Command): Promise<Ended> {
  const child = lab.spawn(node, command, { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject).once('close', (code) => resolve(code ?? -1))
  })
  const [code, out, err] = await Promise.all([ended, text(child.stdout!), text(child.stderr!)])
  return { code, out, err }
}
