// tenbin lab down: a lab and everything of it removed.

import { type CommandSpec, jsonOption, textOption } from './command.ts'
import { exitCodes } from './context.ts'
import { labOutput, nameOption, silentOutput } from './lab-output.ts'

export const labDownCommand: CommandSpec = {
  words: 'down',
  summary: 'Remove a lab and everything of it',
  options: [nameOption, jsonOption],
  examples: [['tenbin lab down', 'the only one there is']],
  exits: { no: 'there is no such lab, or several', notPermitted: 'not root' },
  run: async (context, { options }) => {
    const { labDown } = await import('../lab/lab.ts')
    const name = textOption(options, 'name')
    const removed = await labDown({
      ...(name !== undefined && { name }),
      out: options.json ? silentOutput : labOutput(context),
    })
    if (options.json) context.out(JSON.stringify({ removed }))
    return exitCodes.done
  },
}
