// tenbin lab up: a lab with tenbin forwarding in it, left up.

import { type CommandSpec, jsonOption, numberOption, textOption } from './command.ts'
import { exitCodes } from './context.ts'
import { labOutput, networkOf, networkOptions, silentOutput } from './lab-output.ts'

export const labUpCommand: CommandSpec = {
  words: 'up',
  summary: 'Make a network on this machine, with clients, servers and tenbin between them',
  options: [
    { flags: '--servers <n>', text: 'how many web servers, 1 to 50 (default: 4)' },
    { flags: '--pair', text: 'two nodes that run tenbin, between a front and a back network' },
    ...networkOptions,
    { flags: '--name <lab>', text: 'what to call it (default: lab, lab2, ...)' },
    jsonOption,
  ],
  examples: [
    ['tenbin lab up', 'four web servers'],
    ['tenbin lab up --pair', 'two nodes, one active; then: tenbin lab kill lb1'],
    ['tenbin lab up --servers 10 --name big', 'ten, in a lab called big'],
  ],
  exits: { no: 'it cannot be made', notPermitted: 'not root' },
  run: async (context, { options }) => {
    const { labUp } = await import('../lab/lab.ts')
    const name = textOption(options, 'name')
    const servers = numberOption(options, 'servers')
    const lab = await labUp({
      ...(name !== undefined && { name }),
      ...(servers !== undefined && { servers }),
      ...(options.pair === true && { pair: true }),
      ...networkOf(options),
      out: options.json ? silentOutput : labOutput(context),
    })
    if (options.json) context.out(JSON.stringify(lab))
    return exitCodes.done
  },
}
