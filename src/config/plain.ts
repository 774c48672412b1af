// From YAML nodes to plain values, saying what of YAML would be read differently elsewhere or is a trap: two
// equal keys in one map, numbers that YAML 1.1 and 1.2 disagree about, tags, merge keys. Aliases are followed,
// but only so often: a file of nine lines must not become a billion values.

import { type Alias, isAlias, isMap, isScalar, isSeq, type Node, type Scalar, type YAMLMap } from 'yaml'
import { DEPTH_LIMIT } from './depth.ts'
import type { Findings } from './findings.ts'
import { keyText, positionAt, type Source } from './source.ts'
import { restoreIp6 } from './unquoted-ip6.ts'

/** The most values that aliases may add to a file. */
const ALIAS_LIMIT = 100_000

interface Walk {
  readonly source: Source
  readonly findings: Findings
  readonly aliases: Map<Alias, Node>
  readonly anchors: Map<string, Node>
  /** How many values aliases have added; above ALIAS_LIMIT no more are followed. */
  added: number
  inAlias: boolean
  /** Something is missing in a way that would only be called wrong once more. */
  torn: boolean
}

/**
 * toPlain: the value of a source's root; undefined when aliases or depth make it useless. Fills `aliases`. What is
 * refused is left out of the value.
 */
export function toPlain(source: Source, aliases: Map<Alias, Node>, findings: Findings): unknown {
  const walk: Walk = { source, findings, aliases, anchors: new Map(), added: 0, inAlias: false, torn: false }
  const value = source.root ? plain(walk, source.root, 0) : null
  return walk.torn ? undefined : value
}

function tear(walk: Walk, node: Node, message: string): null {
  if (!walk.torn) say(walk, node, message)
  walk.torn = true
  return null
}

const say = ({ source, findings }: Walk, node: Node, message: string): void =>
  findings.addAt(source, node.range?.[0] ?? 0, message)

function plain(walk: Walk, node: unknown, depth: number): unknown {
  if (walk.inAlias && walk.added++ >= ALIAS_LIMIT) return null
  if (isAlias(node)) return followed(walk, node, depth)
  if (!isScalar(node) && !isMap(node) && !isSeq(node)) return null
  if (node.tag !== undefined) say(walk, node, 'a tag (!) has no meaning here: write the plain value')
  if (depth > DEPTH_LIMIT) {
    return tear(walk, node, `nested more than ${DEPTH_LIMIT} deep`)
  }
  let value: unknown
  if (isMap(node)) value = plainMap(walk, node, depth)
  else if (isSeq(node)) value = node.items.map((item) => plain(walk, item, depth + 1))
  else value = plainScalar(walk, node)
  // Known only now that it is whole: an alias within it cannot mean it.
  if (node.anchor && !walk.inAlias) walk.anchors.set(node.anchor, node)
  return value
}

function followed(walk: Walk, alias: Alias, depth: number): unknown {
  const target = walk.inAlias ? walk.aliases.get(alias) : walk.anchors.get(alias.source)
  if (!target) {
    return tear(
      walk,
      alias,
      `*${alias.source} refers to no anchor that ends above it: write &${alias.source} first`,
    )
  }
  walk.aliases.set(alias, target)
  const outermost = !walk.inAlias
  walk.inAlias = true
  const value = plain(walk, target, depth)
  if (outermost) {
    walk.inAlias = false
    if (walk.added > ALIAS_LIMIT) {
      tear(walk, alias, `aliases stand for more than ${ALIAS_LIMIT} values: write them out, or use ranges`)
    }
  }
  return value
}

function plainMap(walk: Walk, map: YAMLMap, depth: number): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  const seen = new Map<string, Node>()
  for (const { key, value } of map.items) {
    const text = keyText(key)
    const node = key as Scalar
    const first = seen.get(text)
    if (first) {
      const { line, column } = positionAt(walk.source, first.range?.[0] ?? 0)
      const place = `${walk.source.file}:${line}:${column}`
      say(walk, node, `${JSON.stringify(text)} is here twice: first at ${place}; remove one of them`)
      continue
    }
    seen.set(text, node)
    const under = plain(walk, value, depth + 1)
    if (text === '<<')
      say(walk, node, 'a merge key (<<) is not YAML 1.2: write the keys out, or use defaults')
    else if (text === '__proto__') say(walk, node, '"__proto__" is not a name')
    else values[text] = under
  }
  return values
}

function plainScalar(walk: Walk, scalar: Scalar): unknown {
  const { value, source } = scalar
  if (typeof value === 'string') {
    const { text, rescued } = restoreIp6(value)
    if (rescued) say(walk, scalar, `an IPv6 listener stands in quotes: write "${text}"`)
    return text
  }
  const written = source ?? ''
  if (typeof value === 'number' && !/^-?(0|[1-9]\d*)(\.\d+)?$/.test(written)) {
    say(
      walk,
      scalar,
      `"${written}" is ${value} in YAML 1.2, but not to every reader: write it in plain decimal`,
    )
  }
  return value
}
