// Two texts, line by line, as `diff -u` tells what differs: the shortest way from one to the other (Myers, "An O(ND)
// Difference Algorithm", 1986). Common lines at both ends go first, so a change of one line in a large file is cheap;
// where texts differ in more than EDITS_LIMIT lines, all that is between is told as replaced.

const CONTEXT = 3
const EDITS_LIMIT = 1_000

/** Change: lines `from` to `to` of the old text are lines `newFrom` to `newTo` of the new one; ends exclusive, from 0. */
interface Change {
  readonly from: number
  readonly to: number
  readonly newFrom: number
  readonly newTo: number
}

/** unifiedDiff: lines of a unified diff of two texts, with names; none where they are the same. */
export function unifiedDiff(before: string, after: string, names: readonly [string, string]): string[] {
  if (before === after) return []
  const [old, now] = [linesOf(before), linesOf(after)]
  const hunks = hunksOf(changesOf(old, now))
  return [`--- ${names[0]}`, `+++ ${names[1]}`, ...hunks.flatMap((changes) => hunkLines(changes, old, now))]
}

const NO_NEWLINE = '\\ No newline at end of file'

/** linesOf a text; a last line without line feed says so, as diff does. */
function linesOf(text: string): string[] {
  const lines = text.split('\n')
  const last = lines.pop()!
  if (last !== '') lines.push(`${last}\n${NO_NEWLINE}`)
  return lines
}

function changesOf(old: readonly string[], now: readonly string[]): Change[] {
  let start = 0
  while (start < old.length && start < now.length && old[start] === now[start]) start++
  let [oldEnd, newEnd] = [old.length, now.length]
  while (oldEnd > start && newEnd > start && old[oldEnd - 1] === now[newEnd - 1]) {
    oldEnd--
    newEnd--
  }
  const whole: Change = { from: start, to: oldEnd, newFrom: start, newTo: newEnd }
  if (start === oldEnd || start === newEnd) return [whole]
  const kept = commonLines(old.slice(start, oldEnd), now.slice(start, newEnd))
  if (!kept) return [whole]
  const changes: Change[] = []
  let [from, newFrom] = [start, start]
  for (const [x, y] of [...kept, [oldEnd - start, newEnd - start] as const]) {
    const [to, newTo] = [start + x, start + y]
    if (to > from || newTo > newFrom) changes.push({ from, to, newFrom, newTo })
    from = to + 1
    newFrom = newTo + 1
  }
  return changes
}

/** commonLines: pairs of indexes of a longest common subsequence; undefined where that takes too many edits. */
function commonLines(a: readonly string[], b: readonly string[]): [number, number][] | undefined {
  const offset = Math.min(EDITS_LIMIT, a.length + b.length) + 1
  const furthest = new Int32Array(2 * offset + 1)
  const trace: Int32Array[] = []
  for (let d = 0; d < offset; d++) {
    trace.push(furthest.slice(offset - d - 1, offset + d + 2))
    for (let k = -d; k <= d; k += 2) {
      const isDown = k === -d || (k !== d && furthest[offset + k - 1]! < furthest[offset + k + 1]!)
      let x = isDown ? furthest[offset + k + 1]! : furthest[offset + k - 1]! + 1
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++
      furthest[offset + k] = x
      if (x >= a.length && x - k >= b.length) return walkBack(trace, a.length, b.length)
    }
  }
  return undefined
}

/** walkBack: trace[d] has the furthest x of diagonals -d-1 to d+1 before step d. */
function walkBack(trace: readonly Int32Array[], aLength: number, bLength: number): [number, number][] {
  const kept: [number, number][] = []
  let [x, y] = [aLength, bLength]
  const alike = (fromX: number, fromY: number): void => {
    while (x > fromX && y > fromY) kept.push([--x, --y])
  }
  for (let d = trace.length - 1; d > 0; d--) {
    const at = (k: number): number => trace[d]![k + d + 1]!
    const k = x - y
    const isDown = k === -d || (k !== d && at(k - 1) < at(k + 1))
    const before = isDown ? k + 1 : k - 1
    alike(at(before), at(before) - before)
    x = at(before)
    y = x - before
  }
  alike(0, 0)
  return kept.reverse()
}

/** hunksOf: changes whose surroundings touch, together. */
function hunksOf(changes: readonly Change[]): Change[][] {
  const hunks: Change[][] = []
  for (const change of changes) {
    const last = hunks.at(-1)
    if (last && change.from - last.at(-1)!.to <= 2 * CONTEXT) last.push(change)
    else hunks.push([change])
  }
  return hunks
}

function hunkLines(changes: readonly Change[], old: readonly string[], now: readonly string[]): string[] {
  const [first, last] = [changes[0]!, changes.at(-1)!]
  const lead = Math.min(CONTEXT, first.from)
  const tail = Math.min(CONTEXT, old.length - last.to)
  const [from, to] = [first.from - lead, last.to + tail]
  const [newFrom, newTo] = [first.newFrom - lead, last.newTo + tail]
  const lines = [`@@ -${rangeText(from, to)} +${rangeText(newFrom, newTo)} @@`]
  let at = from
  for (const { from, to, newFrom, newTo } of changes) {
    for (; at < from; at++) lines.push(` ${old[at]}`)
    for (; at < to; at++) lines.push(`-${old[at]}`)
    for (let i = newFrom; i < newTo; i++) lines.push(`+${now[i]}`)
  }
  for (; at < to; at++) lines.push(` ${old[at]}`)
  return lines.flatMap((line) => line.split('\n'))
}

function rangeText(from: number, to: number): string {
  const count = to - from
  // diff(1): an empty range names the line before it.
  const line = count === 0 ? from : from + 1
  return count === 1 ? `${line}` : `${line},${count}`
}
