// tenbin lab demo: what tenbin does, in half a minute.

import { type CommandSpec, numberOption, textOption } from './command.ts'
import { exitCodes } from './context.ts'
import { labOutput, networkOf, networkOptions } from './lab-output.ts'

export const labDemoCommand: CommandSpec = {
  words: 'demo',
  summary: 'Show what tenbin does: real HTTP through a lab, servers dead and back, the daemon killed',
  options: [
    { flags: '--servers <n>', text: 'how many web servers, 1 to 50 (default: 4)' },
    ...networkOptions,
    { flags: '--name <lab>', text: 'what to call the lab (default: lab, lab2, ...)' },
    { flags: '--json', text: 'the last line of output is one JSON object with the counts' },
  ],
  examples: [['tenbin lab demo', 'half a minute; the lab is removed at the end']],
  exits: { no: 'a request failed without need, or a server got none', notPermitted: 'not root' },
  run: async (context, { options }) => {
    const { askYes } = await import('../lab/ask.ts')
    const { labDemo } = await import('../lab/demo.ts')
    const name = textOption(options, 'name')
    const servers = numberOption(options, 'servers')
    const { problems, ...counts } = await labDemo({
      ...(name !== undefined && { name }),
      ...(servers !== undefined && { servers }),
      ...networkOf(options),
      ...(context.isTerminal && process.stdin.isTTY && { ask: askYes }),
      out: labOutput(context),
    })
    if (options.json) context.out(JSON.stringify(counts))
    return problems.length === 0 ? exitCodes.done : exitCodes.no
  },
}
