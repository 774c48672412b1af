// A file's text and the places in it. A place is a source and a path of keys and indexes, as the schema and the
// checks know it; only when something is to be said about it is it turned into a line and a column, by walking
// the YAML nodes along that path. A path that leads to nothing ends at the last key that is there.

import { type Alias, isAlias, isMap, isNode, isScalar, isSeq, type Node, type Pair, type YAMLMap } from 'yaml'
import { invariant } from '../base/errors.ts'
import type { Finding } from './config-error.ts'

export type Path = readonly (string | number)[]

/** Source: one file that was read. `root` is null for a file without content. */
export interface Source {
  readonly file: string
  /** Without byte order mark. Offsets and columns count its UTF-16 units. */
  readonly text: string
  readonly root: Node | null
  /** What each alias stands for, as far as it stands for anything. */
  readonly aliases: ReadonlyMap<Alias, Node>
}

/** Place: the value at `path`, or with `key` the key that it is filed under. */
export interface Place {
  readonly source: Source
  readonly path: Path
  readonly key?: boolean
}

/** inside: the place of a value within the value at `place`. */
export const inside = ({ source, path }: Place, ...more: Path): Place => ({
  source,
  path: [...path, ...more],
})

/** keyOf: the place of the key under which the value at `place` is. */
export const keyOf = ({ source, path }: Place): Place => ({ source, path, key: true })

const pairsOf = new WeakMap<YAMLMap, Map<string, Pair>>()

function pairAt(map: YAMLMap, key: string): Pair | undefined {
  let pairs = pairsOf.get(map)
  if (!pairs) {
    pairs = new Map()
    for (const pair of map.items) {
      const text = keyText(pair.key)
      if (!pairs.has(text)) pairs.set(text, pair)
    }
    pairsOf.set(map, pairs)
  }
  return pairs.get(key)
}

/** keyText: a map key as text. What is no scalar does not come through parse(). */
export function keyText(key: unknown): string {
  invariant(isScalar(key), 'a key is a scalar')
  return String(key.value)
}

function offsetOf({ source, path, key }: Place): number {
  let node: unknown = source.root
  let offset = startOf(node, 0)
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = source.aliases.get(node)
    let next: unknown
    if (isMap(node)) {
      const pair = pairAt(node, String(step))
      if (!pair) return offset
      const keyOffset = startOf(pair.key, offset)
      if (key && depth === path.length - 1) return keyOffset
      next = pair.value
      offset = startOf(next, keyOffset)
    } else if (isSeq(node) && typeof step === 'number' && step < node.items.length) {
      next = node.items[step]
      offset = startOf(next, offset)
    } else {
      return offset
    }
    node = next
  }
  return offset
}

// An empty value has no text of its own: its place is then that of its key.
const startOf = (node: unknown, otherwise: number): number =>
  isNode(node) && node.range && (node.range[1] > node.range[0] || isAlias(node)) ? node.range[0] : otherwise

const lineStarts = new WeakMap<Source, number[]>()

/** positionAt: line and column, from 1, of an offset into the text. */
export function positionAt(source: Source, offset: number): { line: number; column: number } {
  let starts = lineStarts.get(source)
  if (!starts) {
    starts = [0]
    for (let at = source.text.indexOf('\n'); at >= 0; at = source.text.indexOf('\n', at + 1))
      starts.push(at + 1)
    lineStarts.set(source, starts)
  }
  let [low, high] = [0, starts.length - 1]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (starts[middle]! <= offset) low = middle
    else high = middle - 1
  }
  return { line: low + 1, column: offset - starts[low]! + 1 }
}

/** findingAt: a finding about a place. */
export const findingAt = (place: Place, message: string): Finding => ({
  file: place.source.file,
  ...positionAt(place.source, offsetOf(place)),
  message,
})

/** formatPlace writes `file:line:column`, for a message about one place that names another. */
export function formatPlace(place: Place): string {
  const { file, line, column } = findingAt(place, '')
  return `${file}:${line}:${column}`
}
