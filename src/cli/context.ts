// What a command may touch of the process it runs in: two streams, colours, an exit code. Commands get it handed
// in, so that they can be run by tests as they are. Colours only on a terminal, and never with NO_COLOR
// (no-color.org).

import { createInterface } from 'node:readline/promises'

/** exitCodes: what a command's end means, the same for every command. */
export const exitCodes = {
  done: 0,
  /** The question was answered with no: the file has findings, the daemon refused. */
  no: 1,
  /** The command line cannot be understood. */
  usage: 2,
  /** The daemon is not there. */
  absent: 3,
  /** Not root, or a right is missing. */
  notPermitted: 4,
} as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** Paint wraps text in a colour, or leaves it as it is. */
export interface Paint {
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
  readonly faint: (text: string) => string
  readonly strong: (text: string) => string
}

/** Context: where a command's words go. */
export interface Context {
  /** out writes to standard output; a line feed is added. */
  readonly out: (text: string) => void
  /** write writes to standard output as it is. */
  readonly write: (text: string) => void
  /** err writes to standard error; a line feed is added. */
  readonly err: (text: string) => void
  readonly paint: Paint
  /** isColoured: paint paints. */
  readonly isColoured: boolean
  /** isTerminal: standard output is read by a person. */
  readonly isTerminal: boolean
  /** ask a person a question that is answered with yes or no, by a key and Enter; no: also whatever else is answered. */
  readonly ask: (question: string) => Promise<boolean>
  /** columns of the terminal as it is now, 80 elsewhere. */
  readonly columns: number
  /** rows of the terminal as it is now, 24 elsewhere. */
  readonly rows: number
}

/** paintFor: colours by SGR codes (ECMA-48 8.3.117), or none. */
export function paintFor(coloured: boolean): Paint {
  const colour = (code: number) => (text: string) => (coloured ? `\x1b[${code}m${text}\x1b[0m` : text)
  return { good: colour(32), bad: colour(31), faint: colour(90), strong: colour(1) }
}

/** processContext: the context of a real process. */
export function processContext(process: NodeJS.Process): Context {
  const isTerminal = process.stdout.isTTY === true
  const coloured = isTerminal && !process.env.NO_COLOR && process.env.TERM !== 'dumb'
  return {
    out: (text) => process.stdout.write(`${text}\n`),
    write: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(`${text}\n`),
    paint: paintFor(coloured),
    isColoured: coloured,
    isTerminal,
    async ask(question) {
      const lines = createInterface({ input: process.stdin, output: process.stdout })
      const answer = await lines.question(`${question} [y/N] `).finally(() => lines.close())
      return /^y(es)?$/i.test(answer.trim())
    },
    // A serial console says that it has none.
    get columns() {
      return process.stdout.columns || 80
    },
    get rows() {
      return process.stdout.rows || 24
    },
  }
}
