// How the lab's commands write: to the command's own output, or nowhere when the answer is JSON.

import type { LabOutput } from '../lab/terminal.ts'
import type { OptionSpec } from './command.ts'
import type { Context } from './context.ts'

/** labOutput: the lab's words as they come. */
export const labOutput = (context: Context): LabOutput => ({
  write: context.write,
  isTerminal: context.isTerminal,
  coloured: context.isColoured,
  get columns() {
    return context.columns
  },
})

/** silentOutput: for --json. */
export const silentOutput: LabOutput = {
  write: () => undefined,
  isTerminal: false,
  coloured: false,
  columns: 80,
}

export const nameOption: OptionSpec = { flags: '--name <lab>', text: 'which lab, where there are several' }
