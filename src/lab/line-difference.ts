// Which lines differ between two short texts: those that are in no longest common subsequence, in order, old ones before new
// ones. Quadratic, for files of a lab.

/** Different: a line of one text only. */
export interface Different {
  readonly isNew: boolean
  readonly line: string
}

/** lineDifference: none where the texts are equal. */
export function lineDifference(before: readonly string[], after: readonly string[]): readonly Different[] {
  // common[i][j]: how many lines before.slice(i) and after.slice(j) have in common
  const common = Array.from({ length: before.length + 1 }, () => new Uint32Array(after.length + 1))
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--)
      common[i]![j] =
        before[i] === after[j] ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!)
  const lines: Different[] = []
  for (let i = 0, j = 0; i < before.length || j < after.length; ) {
    if (i < before.length && before[i] === after[j]) {
      i++
      j++
    } else if (j === after.length || (i < before.length && common[i + 1]![j]! >= common[i]![j + 1]!)) {
      lines.push({ isNew: false, line: before[i++]! })
    } else {
      lines.push({ isNew: true, line: after[j++]! })
    }
  }
  return lines
}
