// How the lab shows things: where text goes, whether a person reads it on a terminal, and colours, which are only used
// there and never with NO_COLOR (no-color.org). LiveArea is the part of a terminal that redraws in place; elsewhere
// it stays silent until it is done.

import { stripVTControlCharacters } from 'node:util'

/** LabOutput: where a command of the lab writes. `columns`: of the terminal as it is now, 80 elsewhere. */
export interface LabOutput {
  write(text: string): void
  readonly isTerminal: boolean
  readonly coloured: boolean
  readonly columns: number
}

/** outputOf: the LabOutput of a stream such as process.stdout. */
export function outputOf(stream: NodeJS.WriteStream, env = process.env): LabOutput {
  // A reader that went away is no reason to stop half-way and leave a lab behind.
  stream.on('error', () => undefined)
  const isTerminal = stream.isTTY === true && env.TERM !== 'dumb'
  return {
    write: (text) => void stream.write(text),
    isTerminal,
    coloured: isTerminal && !env.NO_COLOR,
    // A serial console says that it has none.
    get columns() {
      return stream.columns || 80
    },
  }
}

/** Paint wraps text in a colour, or leaves it as it is. */
export type Paint = Readonly<Record<'strong' | 'faint' | 'good' | 'bad' | 'accent', (text: string) => string>>

/** paintOf: colours by SGR codes (ECMA-48 8.3.117), or none. */
export function paintOf({ coloured }: { readonly coloured: boolean }): Paint {
  const colour = (code: number) => (text: string) =>
    coloured && text !== '' ? `\x1b[${code}m${text}\x1b[0m` : text
  return { strong: colour(1), faint: colour(90), good: colour(32), bad: colour(31), accent: colour(36) }
}

/** clip cuts a line to `width` characters; colour codes (SGR) do not count, and none is lost. */
export function clip(line: string, width: number): string {
  let kept = ''
  for (let at = 0, left = width; at < line.length; ) {
    const end = line.startsWith('\x1b[', at) ? line.indexOf('m', at) + 1 : at + 1
    if (end > at + 1 || left-- > 0) kept += line.slice(at, end)
    at = end
  }
  return kept
}

/** wrapped: a line as lines of at most `width`, broken between words and indented alike. Colour codes do not count. */
export function wrapped(line: string, width: number): string[] {
  const isWide = (text: string) => stripVTControlCharacters(text).length > width
  if (!isWide(line)) return [line]
  const indent = /^ */.exec(line)![0]
  const lines: string[] = []
  let last = indent
  for (const word of line.slice(indent.length).split(/(?<=[^ ])(?= )/)) {
    if (last !== indent && isWide(last + word)) {
      lines.push(last)
      last = indent + word.trimStart()
    } else {
      last += word
    }
  }
  return [...lines, last]
}

/** LiveArea: lines that replace each other on a terminal, cut to its width: a line that wraps would be two. */
export class LiveArea {
  readonly #out: LabOutput
  #drawn = 0

  constructor(out: LabOutput) {
    this.#out = out
  }

  /** isDrawn: lines of it are on the screen, to be replaced. */
  get isDrawn(): boolean {
    return this.#drawn > 0
  }

  /** draw shows `lines` in place of those before; elsewhere than on a terminal it does nothing. */
  draw(lines: readonly string[]): void {
    if (!this.#out.isTerminal) return
    this.#put(lines.map((line) => clip(line, this.#out.columns - 1)))
    this.#drawn = lines.length
  }

  #put(lines: readonly string[]): void {
    // CUU to the first line, then each is erased (EL) and written; ED takes lines that there are fewer of now.
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : ''
    this.#out.write(`${up}${lines.map((line) => `\r\x1b[2K${line}\n`).join('')}\x1b[J`)
  }

  /** finish leaves `lines` as the area's last word, everywhere. */
  finish(lines: readonly string[]): void {
    if (this.#out.isTerminal) this.#put(lines)
    else this.#out.write(lines.map((line) => `${line}\n`).join(''))
    this.#drawn = 0
  }
}
