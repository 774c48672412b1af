// Captured: a context that keeps what a command writes, for tests.

import { type Context, type ExitCode, paintFor } from './context.ts'
import { runCli } from './program.ts'

/** Captured: what a command line came to. */
export interface Captured {
  readonly code: ExitCode
  readonly out: string
  readonly err: string
}

/**
 * capture runs a command line in this process, without a terminal unless told otherwise; of these columns and rows. A
 * question is written as it is, and answered with `says`.
 */
export async function capture(
  args: readonly string[],
  isTerminal = false,
  [columns, rows] = [80, 24],
  says = false,
): Promise<Captured> {
  let out = ''
  let err = ''
  const context: Context = {
    out: (text) => {
      out += `${text}\n`
    },
    write: (text) => {
      out += text
    },
    err: (text) => {
      err += `${text}\n`
    },
    paint: paintFor(isTerminal),
    isColoured: isTerminal,
    isTerminal,
    ask: (question) => {
      out += `${question}\n`
      return Promise.resolve(says)
    },
    columns,
    rows,
  }
  const code = await runCli(args, context)
  return { code, out, err }
}
