// How deep a file's lists and maps nest, before anything that calls itself looks at them: the YAML library's
// composer needs a stack frame or two for each level, and a process whose stack runs out in the wrong place dies
// without an exception. The token tree that the library makes first is walked here without recursion.

import type { CST } from 'yaml'

/** DEPTH_LIMIT: the most levels of lists and maps; the file's own keys need six. */
export const DEPTH_LIMIT = 32

/** tooDeep: the offset of the first list or map that is nested too deep. */
export function tooDeep(tokens: readonly CST.Token[]): number | undefined {
  let first: number | undefined
  const left = tokens.map((token) => ({ token, depth: 0 }))
  for (let next = left.pop(); next; next = left.pop()) {
    const { token, depth } = next
    if (token.type === 'document' && token.value) left.push({ token: token.value, depth })
    if (!('items' in token)) continue
    if (depth >= DEPTH_LIMIT) {
      first = Math.min(first ?? token.offset, token.offset)
      continue
    }
    for (const { key, value } of token.items) {
      if (key) left.push({ token: key, depth: depth + 1 })
      if (value) left.push({ token: value, depth: depth + 1 })
    }
  }
  return first
}
