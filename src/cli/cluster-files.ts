// What the commands that make a cluster have in common: the file, this machine's name in it, and words of invitation.

import { load } from '../config/load.ts'
import { type DesiredState, whichNode } from '../config/state.ts'
import type { OptionSpec } from './command.ts'
import type { Context } from './context.ts'

/** STANDARD_FILE: where the file is unless it is said. */
export const STANDARD_FILE = '/etc/tenbin/tenbin.yaml'

/** clusterOptions: which file, which instance. */
export const clusterOptions: readonly OptionSpec[] = [
  { flags: '-c, --config <file>', text: `the file that all nodes have (default: ${STANDARD_FILE})` },
  ...stateOptions(),
]

/** stateOptions: whose keys. */
export function stateOptions(): readonly OptionSpec[] {
  return [
    { flags: '--instance <name>', text: 'which tenbin of this machine (default: tenbin)' },
    { flags: '--state-dir <dir>', text: 'where keys are kept (default: /var/lib/tenbin)' },
  ]
}

/** thisNode of a file: as `name` says, or by this machine's addresses. Throws NODE_UNKNOWN, NODE_AMBIGUOUS. */
export async function thisNode(desired: DesiredState, name: string | undefined): Promise<string> {
  if (name !== undefined) return name
  const { openMachineNetwork } = await import('../daemon/machine-network.ts')
  using network = openMachineNetwork()
  return whichNode(
    desired,
    network.listAddresses().map(({ address }) => address),
  )
}

/** loadFile: the file, or the one at its usual place. Throws ConfigError. */
export const loadFile = (file: string | undefined): DesiredState => load(file ?? STANDARD_FILE)

/** Invited: a node and its word. */
export interface Invited {
  readonly node: string
  readonly word: string
  /** until: ISO 8601 in UTC. */
  readonly until: string
}

/** tellInvited: what to do with words, for people. */
export function tellInvited({ out, paint }: Context, invited: readonly Invited[]): void {
  for (const { node, word, until } of invited) {
    out(
      `On ${paint.strong(node)}, until ${until.slice(0, 16).replace('T', ' ')} UTC: \`tenbin cluster join\`, and this word, which is a secret:`,
    )
    out('')
    out(`  ${word}`)
    out('')
  }
}
