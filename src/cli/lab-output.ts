// What the lab's commands have in common: how they write (to the command's own output, or nowhere when the answer is
// JSON), and the options that say which lab, and which kind of network.

import type { LabOutput } from '../lab/terminal.ts'
import { FORWARDS, type TopologyOptions } from '../lab/topology.ts'
import { type OptionSpec, type Options, textOption } from './command.ts'
import type { Context } from './context.ts'

/** labOutput: the lab's words as they come. */
export const labOutput = (context: Context): LabOutput => ({
  write: context.write,
  isTerminal: context.isTerminal,
  coloured: context.isColoured,
  get columns() {
    return context.columns
  },
})

/** silentOutput: for --json. */
export const silentOutput: LabOutput = {
  write: () => undefined,
  isTerminal: false,
  coloured: false,
  columns: 80,
}

export const nameOption: OptionSpec = { flags: '--name <lab>', text: 'which lab, where there are several' }

export const ipv6Option: OptionSpec = {
  flags: '--ipv6',
  text: 'IPv6 beside IPv4: on every node, and a service of its own',
}

/** networkOptions: what the network is like. */
export const networkOptions: readonly OptionSpec[] = [
  ipv6Option,
  {
    flags: '--forward <how>',
    text: 'dsr: servers answer clients directly (the default); nat: through the node',
    choices: FORWARDS,
  },
]

/** networkOf: what was said of it. */
export function networkOf(options: Options): Pick<TopologyOptions, 'ipv6' | 'forward'> {
  const forward = FORWARDS.find((each) => each === textOption(options, 'forward'))
  return { ...(options.ipv6 === true && { ipv6: true }), ...(forward && { forward }) }
}
