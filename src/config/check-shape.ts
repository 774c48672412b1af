// The schema's verdict on one file, in words: what was expected, what is there, which key was meant. Only the
// entry that holds a fault is taken out (the service, the address set), so that everything else is still checked
// and all findings come at once; a taken-out entry is still known by name, so that nobody calls it unknown, and goes
// along mended, so that what else is wrong with it is found.

import type { z } from 'zod'
import { didYouMean } from '../base/nearest.ts'
import type { Findings } from './findings.ts'
import { type Mended, mend } from './mended.ts'
import type { Parsed } from './parse.ts'
import { type FileShape, fileSchema, sections } from './schema.ts'
import type { Section } from './schema-words.ts'
import type { Path } from './source.ts'

type Issue = z.core.$ZodIssue

/** Shaped: what a file says, without the values whose shape is wrong; those are undefined under their keys. */
export type Shaped = { readonly [Key in keyof FileShape]: PartOf<FileShape[Key]> }
type PartOf<T> =
  T extends Readonly<Record<string, unknown>> ? { readonly [K in keyof T]: T[K] | undefined } : T

/** Checked: what is right, and of entries in which something is not, by section and name, the rest. */
export interface Checked {
  readonly shaped: Shaped
  readonly mended: ReadonlyMap<string, ReadonlyMap<string, Mended>>
}

/** checkShape adds to `findings` what is wrong with a file's shape and returns what is right. */
export function checkShape({ source, value }: Parsed, findings: Findings): Checked {
  if (value === undefined || value === null) return { shaped: {}, mended: new Map() }
  const { error } = fileSchema.safeParse(value)
  const broken: Path[] = []
  for (const issue of error?.issues ?? []) {
    for (const { path, key, wrong, message } of faults(issue, [], value)) {
      findings.add({ source, path, key }, message)
      if (wrong) broken.push(wrong)
    }
  }
  const file = value as Readonly<Record<string, unknown>>
  return { shaped: rightOf(file, broken), mended: mendedOf(file, broken) }
}

function rightOf(file: Readonly<Record<string, unknown>>, broken: readonly Path[]): Shaped {
  // Nothing can be said of any section then, not even that it is not there.
  if (broken.some((path) => path.length === 0))
    return Object.fromEntries(sections.file.known.map((name) => [name, undefined]))
  return without(file, broken) as Shaped
}

/** mendedOf: entries that are maps, of which something within is wrong. */
function mendedOf(file: Readonly<Record<string, unknown>>, broken: readonly Path[]): Checked['mended'] {
  const wrong = new Map<string, Map<string, Path[]>>()
  for (const path of broken) {
    const [section, name] = [String(path[0]), String(path[1])]
    const entries = wrong.get(section) ?? new Map<string, Path[]>()
    const paths = entries.get(name) ?? []
    paths.push(path)
    wrong.set(section, entries.set(name, paths))
  }
  const mendedIn = (section: string, entries: ReadonlyMap<string, Path[]>) =>
    new Map(
      [...entries].flatMap(([name, paths]): [string, Mended][] => {
        const entry = valueAt(file, [section, name])
        if (!isMap(entry) || paths.some(({ length }) => length < 3)) return []
        return [[name, mend(entry, [section, name], paths)]]
      }),
    )
  return new Map([...wrong].map(([section, entries]) => [section, mendedIn(section, entries)]))
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** without: a copy of the file in which the entries that `paths` lead into are undefined. */
function without(file: Readonly<Record<string, unknown>>, paths: readonly Path[]): Record<string, unknown> {
  const copy: Record<string, unknown> = { ...file }
  for (const [section, entry] of paths as readonly (readonly [string, string?])[]) {
    const values = copy[section]
    if (entry === undefined || typeof values !== 'object' || values === null || Array.isArray(values)) {
      copy[section] = undefined
    } else {
      copy[section] = { ...values, [entry]: undefined }
    }
  }
  return copy
}

interface Fault {
  readonly path: Path
  /** The place is the key, not the value. */
  readonly key: boolean
  /** What is missing or cannot be used, and so cannot the entry that it is in. */
  readonly wrong?: Path
  readonly message: string
}

function faults(issue: Issue, at: Path, root: unknown): Fault[] {
  const path = [...at, ...(issue.path as Path)]
  if (issue.code === 'unrecognized_keys') {
    const section = issue.message as Section
    return issue.keys.map((key) => {
      return { path: [...path, key], key: true, message: aboutKey(section, key) }
    })
  }
  if (issue.code === 'invalid_union') {
    const branch = issue.errors.find((errors) => !errors.some(isAtRoot))
    if (branch) return branch.flatMap((inner) => faults(inner, path, root))
  }
  const found = valueAt(root, path)
  if (found === undefined) {
    const name = path.at(-1)
    const message = `"${name}" is missing: it takes ${issue.message}`
    return [{ path: path.slice(0, -1), key: true, wrong: path, message }]
  }
  return [{ path, key: false, wrong: path, message: `expected ${issue.message}, found ${describe(found)}` }]
}

/** isAtRoot: the value is not of this branch's kind at all, so that its other faults say nothing. */
const isAtRoot = (issue: Issue): boolean =>
  issue.path.length === 0 &&
  issue.code !== 'unrecognized_keys' &&
  (issue.code !== 'invalid_union' || issue.errors.every((errors) => errors.some(isAtRoot)))

function aboutKey(name: Section, key: string): string {
  const { known, later } = sections[name]
  const notYet = Object.hasOwn(later, key) ? later[key] : undefined
  if (notYet !== undefined) return notYet
  const meant = didYouMean(key, known)
  return `unknown key ${describe(key)}${meant === '' ? `: known here are ${known.join(', ')}` : meant}`
}

const valueAt = (root: unknown, path: Path): unknown =>
  path.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[step] : undefined,
    root,
  )

/** describe: a value as a message names it. */
export function describe(value: unknown): string {
  if (value === null) return 'nothing'
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'a map' : String(value)
}
