// The process: runs one command line and ends with its exit code. Output is written to the end before the process
// goes; a reader that went away (`tenbin status | head`) is no error.

import { processContext } from './context.ts'
import { runCli } from './program.ts'

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})
process.exitCode = await runCli(process.argv.slice(2), processContext(process))
