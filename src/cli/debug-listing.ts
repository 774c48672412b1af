// tenbin debug listing: the program, instruction by instruction, under the lines of TypeScript they come from.

import { load } from '../config/load.ts'
import { listingSchema } from '../daemon/api-schema.ts'
import { instanceOf } from '../daemon/instance.ts'
import { callDaemon } from './client.ts'
import { type CommandSpec, instanceOptions, jsonOption, textOption } from './command.ts'
import { exitCodes } from './context.ts'

export const debugListingCommand: CommandSpec = {
  words: 'listing',
  summary: 'Print the XDP program that runs, or that a file would make, with its source lines',
  options: [
    { flags: '-c, --config <file>', text: 'the program of this file instead; needs no daemon' },
    ...instanceOptions,
    jsonOption,
  ],
  examples: [
    ['tenbin debug listing', 'the program that runs'],
    ['tenbin debug listing -c my.yaml | less', 'the program that my.yaml would make'],
  ],
  exits: { no: 'the file has errors', absent: 'the daemon is not there', notPermitted: 'not root' },
  run: async (context, { options }) => {
    const file = textOption(options, 'config')
    const { socket } = instanceOf(options as Parameters<typeof instanceOf>[0])
    const answer =
      file === undefined
        ? await callDaemon(socket, { path: '/v1/listing', reply: listingSchema })
        : { lines: await listingOf(file) }
    if (options.json) context.out(JSON.stringify(answer))
    else for (const line of answer.lines) context.out(line)
    return exitCodes.done
  },
}

async function listingOf(file: string): Promise<readonly string[]> {
  const desired = load(file)
  const [{ examine }, { openMachineNetwork }, { possibleCpus }] = await Promise.all([
    import('../daemon/examine.ts'),
    import('../daemon/machine-network.ts'),
    import('../kernel/cpus.ts'),
  ])
  using network = openMachineNetwork()
  return examine(desired, { network }, possibleCpus().ids).listing()
}
