// tenbin lab demo: what tenbin does, in less than a minute; with --attack what it does about a flood.

import { InvalidArgumentError } from 'commander'
import { type CommandSpec, numberOption, type Options, textOption } from './command.ts'
import { type Context, type ExitCode, exitCodes } from './context.ts'
import { ipv6Option, labOutput } from './lab-output.ts'

export const labDemoCommand: CommandSpec = {
  words: 'demo',
  summary: 'Show what tenbin does: real HTTP, servers and balancers that die and come back',
  options: [
    { flags: '--servers <n>', text: 'how many web servers, 1 to 50 (default: 4)' },
    ipv6Option,
    {
      flags: '--attack',
      text: 'another demo: what users see during a flood, with and without a defence',
    },
    { flags: '--name <lab>', text: 'what to call the lab (default: lab, lab2, ...)' },
    { flags: '--json', text: 'the last line of output is one JSON object with the counts' },
  ],
  examples: [
    ['tenbin lab demo', 'less than a minute; the lab is removed at the end'],
    ['tenbin lab demo --attack', 'half a minute; both labs are removed at the end'],
  ],
  exits: { no: 'a request failed without need, or a server got none', notPermitted: 'not root' },
  run: async (context, { options }) => {
    if (options.attack === true) return demoOfAttack(context, options)
    const { askYes } = await import('../lab/ask.ts')
    const { labDemo } = await import('../lab/demo.ts')
    const name = textOption(options, 'name')
    const servers = numberOption(options, 'servers')
    const { problems, ...counts } = await labDemo({
      ...(name !== undefined && { name }),
      ...(servers !== undefined && { servers }),
      ...(options.ipv6 === true && { ipv6: true }),
      ...(context.isTerminal && process.stdin.isTTY && { ask: askYes }),
      out: labOutput(context),
    })
    if (options.json) context.out(JSON.stringify(counts))
    return problems.length === 0 ? exitCodes.done : exitCodes.no
  },
}

async function demoOfAttack(context: Context, options: Options): Promise<ExitCode> {
  for (const name of ['servers', 'ipv6', 'name'])
    if (options[name] !== undefined) throw new InvalidArgumentError(`--attack does not go with --${name}`)
  const { attackDemo } = await import('../lab/demo-attack.ts')
  const { problems, ...result } = await attackDemo({ out: labOutput(context) })
  if (options.json) context.out(JSON.stringify(result))
  return problems.length === 0 ? exitCodes.done : exitCodes.no
}
