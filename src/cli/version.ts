// tenbin version: which tenbin this is.

import { version } from '../daemon/version.ts'
import { type CommandSpec, jsonOption } from './command.ts'
import { exitCodes } from './context.ts'

export const versionCommand: CommandSpec = {
  words: 'version',
  summary: 'Print which tenbin this is',
  options: [jsonOption],
  examples: [['tenbin version', 'like "tenbin 0.1.0"']],
  run: (context, { options }) => {
    context.out(options.json ? JSON.stringify({ name: 'tenbin', version }) : `tenbin ${version}`)
    return exitCodes.done
  },
}
