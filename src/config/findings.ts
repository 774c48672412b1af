// The list that everything that reads a file adds to. Reading never stops at the first mistake: each check says
// what it has to say about its place and goes on with the rest; load() throws the whole list at the end.

import { ConfigError, type Finding } from './config-error.ts'
import { findingAt, type Place, positionAt, type Source } from './source.ts'

/** Longer messages are cut: they quote the file, whose words may be of any length. */
const MESSAGE_LIMIT = 600

const escapeControls = (text: string): string =>
  text.replace(/\p{Cc}|[\u2028\u2029]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** Findings: what is wrong so far, over all files. */
export class Findings {
  readonly #list: Finding[] = []
  readonly #seen = new Set<string>()
  #isSaid: (place: Place) => boolean = () => true

  /** add: something is wrong at a place, and what to do about it. The same words at the same place count once. */
  add(place: Place, message: string): void {
    if (this.#isSaid(place)) this.addFinding(findingAt(place, message))
  }

  /** sift: of what `look` adds, only what is at places that `isSaid` names counts. */
  sift(isSaid: (place: Place) => boolean, look: () => void): void {
    const outer = this.#isSaid
    this.#isSaid = isSaid
    try {
      look()
    } finally {
      this.#isSaid = outer
    }
  }

  /** addAt: the same for an offset into the text, for what has no path yet. */
  addAt(source: Source, offset: number, message: string): void {
    this.addFinding({ file: source.file, ...positionAt(source, offset), message })
  }

  addFinding(finding: Finding): void {
    const cut = escapeControls(finding.message.slice(0, MESSAGE_LIMIT))
    const message = finding.message.length > MESSAGE_LIMIT ? `${cut}…` : cut
    const id = `${finding.file}\0${finding.line}\0${finding.column}\0${message}`
    if (this.#seen.has(id)) return
    this.#seen.add(id)
    this.#list.push({ ...finding, message })
  }

  get count(): number {
    return this.#list.length
  }

  /** throwIfAny throws CONFIG_INVALID with all findings, by file in the order given, then line and column. */
  throwIfAny(op: string, files: readonly string[]): void {
    if (this.#list.length === 0) return
    const order = new Map(files.map((file, index) => [file, index]))
    const findings = this.#list.sort(
      (a, b) =>
        (order.get(a.file) ?? files.length) - (order.get(b.file) ?? files.length) ||
        a.line - b.line ||
        a.column - b.column,
    )
    throw new ConfigError('CONFIG_INVALID', op, { findings })
  }
}
