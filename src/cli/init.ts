// tenbin init: a first file, from this machine's NICs and addresses. Nothing is changed or overwritten.

import { hostname } from 'node:os'
import { type CommandSpec, jsonOption } from './command.ts'
import { exitCodes } from './context.ts'

export const initCommand: CommandSpec = {
  words: 'init [file]',
  summary: "Write a first file from this machine's NICs and addresses",
  details: [
    'The file is right as it is, with comments; what only you can know (the service address, the servers) is guessed',
    'and marked with an arrow. Without FILE, or with -, it is written to standard output. A file that is there already',
    'is never touched.',
  ].join(' '),
  arguments: { file: 'the file to make (default: standard output)' },
  options: [jsonOption],
  examples: [
    ['tenbin init', 'look at it'],
    ['tenbin init /etc/tenbin/tenbin.yaml', 'make it; then edit it and run tenbin check'],
  ],
  exits: { no: 'the file is there already, or cannot be written' },
  run: async (context, { args, options }) => {
    const [{ firstFile }, { firstNetwork }, { openMachineNetwork }, { writeNew }] = await Promise.all([
      import('../daemon/first-file.ts'),
      import('../daemon/first-network.ts'),
      import('../daemon/machine-network.ts'),
      import('../daemon/new-file.ts'),
    ])
    using network = openMachineNetwork()
    const { text, marks } = firstFile(firstNetwork(network), hostname())
    const path = args[0] ?? '-'
    if (path !== '-') writeNew(path, text)
    if (options.json) context.out(JSON.stringify({ ...(path !== '-' && { file: path }), marks, text }))
    else if (path === '-') context.write(text)
    else {
      context.out(`wrote ${path}: ${marks} lines with an arrow (<--) hold guesses`)
      context.out(`Write what is true there, then: tenbin check ${path}`)
    }
    return exitCodes.done
  },
}
