// Patterns that what a server says must match, in time proportional to its length, whatever the pattern and whoever
// sends: regular expressions of which all ways are followed at once, byte by byte, so that none is ever tried again.
// Its idea: a matcher takes bytes as they come and holds only which steps are possible now, so no answer is ever kept.
// A byte costs at worst one visit of each of PATTERN_STEPS steps. Unanchored, as search is; ^ and $ are the begin and
// end of all that comes. References: Thompson, "Regular expression search algorithm" (1968); Cox, "Regular Expression
// Matching: the Virtual Machine Approach" (2009).

import { type Node, parsePattern, refusePattern } from './pattern-parse.ts'

/** PATTERN_STEPS: the longest program that a pattern may become. */
export const PATTERN_STEPS = 256

/** Step: `to` and `or` are indices of steps. */
type Step =
  | { readonly kind: 'byte'; readonly set: Uint8Array; readonly to: number }
  | { readonly kind: 'fork'; to: number; readonly or: number }
  | { readonly kind: 'begin' | 'end'; readonly to: number }
  | { readonly kind: 'match' }

/** Matcher: one text being looked at. Once it matches it goes on saying so. */
export interface Matcher {
  /** feed: whether what came so far matches, whatever follows. */
  feed(bytes: Uint8Array): boolean
  /** end: whether all of it matches, now that nothing follows. */
  end(): boolean
}

/** Pattern: compiled once, matched as often as one likes. */
export class Pattern {
  /** source: as it was written. */
  readonly source: string
  readonly #steps: readonly Step[]
  readonly #start: number

  private constructor(source: string, steps: readonly Step[], start: number) {
    this.source = source
    this.#steps = steps
    this.#start = start
  }

  /** compile reads a regular expression. Throws PATTERN_INVALID, also for one that matches anything. */
  static compile(text: string): Pattern {
    const node = parsePattern(text)
    const steps: Step[] = [{ kind: 'match' }]
    const add = (step: Step): number => {
      if (steps.length >= PATTERN_STEPS)
        refusePattern(
          text,
          `is too large, more than ${PATTERN_STEPS} steps: repeat less, or nest repetitions less`,
        )
      return steps.push(step) - 1
    }
    const pattern = new Pattern(text, steps, emit(node, 0, add))
    if (pattern.matcher().end()) refusePattern(text, 'matches an empty answer, so it checks nothing')
    return pattern
  }

  /** literal: exactly these bytes, somewhere. Not empty. */
  static literal(bytes: Uint8Array): Pattern {
    const steps: Step[] = [{ kind: 'match' }]
    let next = 0
    for (const byte of [...bytes].reverse()) {
      const set = new Uint8Array(256)
      set[byte] = 1
      next = steps.push({ kind: 'byte', set, to: next }) - 1
    }
    return new Pattern(Buffer.from(bytes).toString('latin1'), steps, next)
  }

  matcher(): Matcher {
    return new Run(this.#steps, this.#start)
  }
}

/** emit makes the steps of a node that go on at `next`, and returns where they begin. */
function emit(node: Node, next: number, add: (step: Step) => number): number {
  const inner = (each: Node, to: number): number => emit(each, to, add)
  switch (node.kind) {
    case 'set':
      return add({ kind: 'byte', set: node.set, to: next })
    case 'begin':
    case 'end':
      return add({ kind: node.kind, to: next })
    case 'sequence':
      return node.of.reduceRight((to, each) => inner(each, to), next)
    case 'choice':
      return node.of.map((each) => inner(each, next)).reduce((or, to) => add({ kind: 'fork', to, or }))
    case 'repeat': {
      let to = next
      if (node.most === Number.POSITIVE_INFINITY) {
        const fork = { kind: 'fork' as const, to: next, or: next }
        to = add(fork)
        fork.to = inner(node.of, to)
      } else {
        for (let count = node.least; count < node.most; count++) {
          const once = inner(node.of, to)
          if (once === to) break
          to = add({ kind: 'fork', to: once, or: next })
        }
      }
      for (let count = 0; count < node.least; count++) {
        const once = inner(node.of, to)
        // What is empty needs no steps, however often; the limit of steps would not bound it.
        if (once === to) break
        to = once
      }
      return to
    }
    default:
      return node satisfies never
  }
}

class Run implements Matcher {
  readonly #steps: readonly Step[]
  readonly #start: number
  /** Byte steps that are possible now, and those after the next byte. */
  #now: number[] = []
  #next: number[] = []
  /** By step: in which round it was visited last. */
  readonly #visited: Uint32Array
  readonly #pending: number[] = []
  #round = 0
  #isAtBegin = true
  #isFound = false

  constructor(steps: readonly Step[], start: number) {
    this.#steps = steps
    this.#start = start
    this.#visited = new Uint32Array(steps.length)
  }

  feed(bytes: Uint8Array): boolean {
    for (const byte of bytes) {
      if (this.#isFound) return true
      this.#advance(byte)
    }
    return this.#isFound
  }

  end(): boolean {
    if (this.#isFound) return true
    this.#round++
    this.#follow(this.#start, this.#now, true)
    // What is possible now may go on without a byte only by $, which follow() left for here.
    for (const at of this.#ends) this.#follow(at, this.#now, true)
    return this.#isFound
  }

  /** `$` steps that were reached behind the last byte. */
  #ends: number[] = []

  #advance(byte: number): void {
    this.#enter()
    if (this.#isFound) return
    this.#round++
    this.#ends = []
    this.#next.length = 0
    for (const at of this.#now) {
      const step = this.#steps[at]!
      if (step.kind === 'byte' && step.set[byte] === 1) this.#follow(step.to, this.#next, false)
    }
    this.#isAtBegin = false
    ;[this.#now, this.#next] = [this.#next, this.#now]
  }

  /** #enter: the pattern may begin here. */
  #enter(): void {
    if (this.#isAtBegin) this.#round++
    this.#follow(this.#start, this.#now, false)
  }

  /** #follow: from a step without taking a byte, to the byte steps that are possible then. */
  #follow(from: number, into: number[], isAtEnd: boolean): void {
    const pending = this.#pending
    pending.push(from)
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      if (this.#visited[at] === this.#round) continue
      this.#visited[at] = this.#round
      const step = this.#steps[at]!
      if (step.kind === 'byte') into.push(at)
      else if (step.kind === 'fork') pending.push(step.or, step.to)
      else if (step.kind === 'match') this.#isFound = true
      else if (step.kind === 'begin') {
        if (this.#isAtBegin) pending.push(step.to)
      } else if (isAtEnd) pending.push(step.to)
      else this.#ends.push(at)
    }
  }
}
