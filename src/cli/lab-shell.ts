// tenbin lab shell: a shell, or one command, in a node of a lab.

import { type CommandSpec, textOption } from './command.ts'
import type { ExitCode } from './context.ts'
import { nameOption } from './lab-output.ts'

export const labShellCommand: CommandSpec = {
  words: 'shell <node> [command...]',
  summary: 'Open a shell in a node of a lab, or run one command there',
  arguments: { node: 'client, lb1, web01 ... or switch', command: 'what to run instead of a shell' },
  options: [nameOption],
  examples: [
    ['tenbin lab shell client', 'then: curl http://10.0.0.100/'],
    ['tenbin lab shell switch -- tcpdump -ni client', 'one command'],
  ],
  exits: {
    no: 'there is no such lab or node; or what the command itself ends with',
    notPermitted: 'not root',
  },
  run: async (_, { args, options }) => {
    const { labShell } = await import('../lab/shell.ts')
    const [node, ...command] = args as [string, ...string[]]
    const name = textOption(options, 'name')
    const status = await labShell({
      node,
      ...(name !== undefined && { name }),
      ...(command.length > 0 && { command: command as [string, ...string[]] }),
    })
    return status as ExitCode
  },
}
