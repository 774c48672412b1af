// tenbin lab kill, freeze, cut and heal: what may befall a node, on purpose, and all of it undone.

import type { Trouble } from '../lab/trouble.ts'
import { type CommandSpec, jsonOption, type OptionSpec, textOption } from './command.ts'
import { exitCodes } from './context.ts'
import { labOutput, nameOption, silentOutput } from './lab-output.ts'

const NETWORKS = ['front', 'back'] as const
const networkOption: OptionSpec = {
  flags: '--network <which>',
  text: 'only its cable to this one',
  choices: NETWORKS,
}

function troubleCommand(
  trouble: Trouble,
  words: Pick<CommandSpec, 'summary' | 'examples'> & { readonly options?: readonly OptionSpec[] },
): CommandSpec {
  return {
    words: `${trouble} <node>`,
    ...words,
    arguments: {
      node: trouble === 'cut' || trouble === 'heal' ? 'any node: lb1, web01 ...' : 'lb1, lb2 ...',
    },
    options: [...(words.options ?? []), nameOption, jsonOption],
    exits: { no: 'there is no such lab or node, or it cannot be done there', notPermitted: 'not root' },
    run: async (context, { args, options }) => {
      const { labTrouble } = await import('../lab/lab.ts')
      const name = textOption(options, 'name')
      const network = NETWORKS.find((each) => each === textOption(options, 'network'))
      const lab = await labTrouble({
        trouble,
        node: args[0]!,
        ...(name !== undefined && { name }),
        ...(network && { network }),
        out: options.json ? silentOutput : labOutput(context),
      })
      if (options.json) context.out(JSON.stringify(lab))
      return exitCodes.done
    },
  }
}

export const labKillCommand = troubleCommand('kill', {
  summary: 'Kill every process of tenbin on a node of a lab (SIGKILL)',
  examples: [['tenbin lab kill lb1', 'in a pair the other one takes over']],
})

export const labFreezeCommand = troubleCommand('freeze', {
  summary: 'Stop every process of tenbin on a node of a lab (SIGSTOP), as if it were not run',
  examples: [['tenbin lab freeze lb1', 'until: tenbin lab heal lb1']],
})

export const labCutCommand = troubleCommand('cut', {
  summary: "Pull a node's cables out",
  options: [networkOption],
  examples: [
    ['tenbin lab cut lb1', 'from every network'],
    ['tenbin lab cut lb1 --network back', 'it is still heard in front'],
  ],
})

export const labHealCommand = troubleCommand('heal', {
  summary: 'Undo all that befell a node: cables in, processes go on, tenbin started',
  examples: [['tenbin lab heal lb1', 'in a pair the addresses come back to the node that is preferred']],
})
