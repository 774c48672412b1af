// The file on this disk, beside what counts. Whoever edits it is asked to apply it, and until then it is another one, which
// is shown. Where nobody has touched it since it was what counts, it becomes what counts next, wherever that was applied:
// so the file of a node that nobody logs in to is not the one of last year when it is needed. It is read only when one of
// its files, or a folder that it includes from, was touched; what cannot be read, or has errors, is another one, too.

import { statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { TenbinError } from '../base/errors.ts'
import { type Content, digestOf, isAt, readContent } from '../revisions/content.ts'
import { writeContent } from '../revisions/write-content.ts'

/** Counting: what counts. `isSettled`: and will not go back by itself. */
export interface Counting {
  readonly id: string
  readonly isSettled: boolean
  readonly content: () => Content
}

export class FileOnDisk {
  readonly #file: string
  readonly #told: (id: string) => void
  #looked: string | undefined
  #paths: readonly string[]
  #isOther = false
  /** What it was when it last was what counts for good, and how its files looked then. */
  #was: { readonly content: Content; readonly print: string } | undefined

  /** `told`: it was made what counts, the revision of that id. */
  constructor(file: string, told: (id: string) => void) {
    this.#file = file
    this.#told = told
    this.#paths = [file]
  }

  /** isOther: at the last look it was not what counts. */
  get isOther(): boolean {
    return this.#isOther
  }

  /** look at it, if it was touched since the last look, or if something else counts. */
  look(counting: Counting | undefined): void {
    const print = printOf(this.#paths)
    const now = lookedAt(counting, print)
    if (this.#looked === now) return
    this.#looked = now
    // untouched since then
    const was = this.#was?.print === print ? this.#was : undefined
    this.#read(counting, was?.content)
    if (!counting?.isSettled || !this.#isOther || !was) return
    if (!writeContent(this.#file, was.content, counting.content())) return
    this.#told(counting.id)
    this.#read(counting)
  }

  /** #read it; `known`: what it is. */
  #read(counting: Counting | undefined, known?: Content): void {
    this.#isOther = true
    try {
      const content = known ?? this.#content(counting)
      const paths = content.files.map(({ name }) =>
        name.startsWith('/') ? name : join(content.folder, name),
      )
      this.#paths = [...paths, ...new Set(paths.map(dirname))]
      if (!counting || digestOf(content) !== digestOf(counting.content())) return
      this.#isOther = false
      const print = printOf(this.#paths)
      this.#looked = lookedAt(counting, print)
      if (counting.isSettled) this.#was = { content, print }
    } catch (error) {
      if (!(error instanceof TenbinError)) throw error
    }
  }

  #content(counting: Counting | undefined): Content {
    const wanted = counting?.content()
    if (!wanted || !isAt(this.#file, wanted)) return readContent(this.#file).content
    const [main, ...others] = wanted.files
    return { folder: dirname(this.#file), files: [{ ...main!, name: basename(this.#file) }, ...others] }
  }
}

const lookedAt = (counting: Counting | undefined, print: string): string =>
  `${counting?.id} ${counting?.isSettled} ${print}`

/** printOf paths: changes with each write to them; of one that cannot be looked at why. */
const printOf = (paths: readonly string[]): string => paths.map(printOfOne).join('\n')

function printOfOne(path: string): string {
  try {
    const stat = statSync(path, { throwIfNoEntry: false, bigint: true })
    return stat ? `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}` : ''
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    if (syscall === undefined) throw error
    return code ?? ''
  }
}
