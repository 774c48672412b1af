// The "did you mean" of every message: the known word that a mistyped one is closest to. Distance is
// Damerau-Levenshtein in its optimal string alignment form (insert, delete, replace, swap of neighbours each
// cost 1), and a word further away than a third of its length is no suggestion at all. Case is ignored.

/** distance: edits from `a` to `b`, or anything above `limit` once it is certain to be more than that. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, before[j - 2]! + 1)
      row.push(cost)
    }
    if (Math.min(...row) > limit) return limit + 1
    before = last
    last = row
  }
  return last[b.length]!
}

/** nearest: the word of `known` closest to `word`, the first of equals; undefined when none is close. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase()
  let best: string | undefined
  let limit = Math.max(1, Math.floor(word.length / 3))
  for (const candidate of known) {
    const edits = distance(wanted, candidate.toLowerCase(), limit)
    if (edits > limit) continue
    best = candidate
    limit = edits - 1
    if (limit < 0) break
  }
  return best
}

/** didYouMean: `: did you mean "x"?`, or nothing, to put behind a message about an unknown word. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const suggestion = nearest(word, known)
  return suggestion === undefined ? '' : `: did you mean "${suggestion}"?`
}
