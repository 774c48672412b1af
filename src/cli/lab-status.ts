// tenbin lab status: the labs of this machine, their nodes and processes.

import { type CommandSpec, jsonOption, textOption } from './command.ts'
import { exitCodes } from './context.ts'
import { labOutput, nameOption, silentOutput } from './lab-output.ts'

export const labStatusCommand: CommandSpec = {
  words: 'status',
  summary: 'Show the labs of this machine, and which node is active',
  options: [nameOption, jsonOption],
  examples: [['tenbin lab status', 'all of them']],
  exits: { no: 'there is no such lab' },
  run: async (context, { options }) => {
    const { labStatus } = await import('../lab/lab.ts')
    const name = textOption(options, 'name')
    const labs = await labStatus({
      ...(name !== undefined && { name }),
      out: options.json ? silentOutput : labOutput(context),
    })
    if (options.json) context.out(JSON.stringify({ labs }))
    return exitCodes.done
  },
}
