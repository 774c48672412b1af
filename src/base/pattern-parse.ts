// Regular expressions as checks may have them, read into an expression tree (pattern.ts runs it). Its idea: everything
// that one pass over the text can decide is there; what needs to go back (backreferences, looking around) is refused by
// name. Works on bytes; text that is not ASCII is its UTF-8. Left out: captures, \b, Unicode classes, flags but (?i).

import { TenbinError } from './errors.ts'

/** Node: an expression. A set is by byte, 1 = in it; `most` is Infinity where there is no end. */
export type Node =
  | { readonly kind: 'set'; readonly set: Uint8Array }
  | { readonly kind: 'begin' | 'end' }
  | { readonly kind: 'sequence' | 'choice'; readonly of: readonly Node[] }
  | { readonly kind: 'repeat'; readonly of: Node; readonly least: number; readonly most: number }

/** REPEAT_LIMIT: the largest number in {m,n}. */
const REPEAT_LIMIT = 256
/** How deep groups may be in each other. */
const DEPTH_LIMIT = 32

/** refusePattern throws PATTERN_INVALID. */
export function refusePattern(text: string, why: string): never {
  throw new TenbinError('PATTERN_INVALID', 'read pattern', { detail: `"${text}" ${why}` })
}

const setOf = (has: (byte: number) => boolean): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, byte) => (has(byte) ? 1 : 0))

/** within: bytes of ranges, each written as its two ends. */
const within = (...ranges: readonly string[]): Uint8Array =>
  setOf((byte) => ranges.some((range) => byte >= range.charCodeAt(0) && byte <= range.charCodeAt(1)))

const classes: Readonly<Record<string, Uint8Array>> = {
  d: within('09'),
  w: within('09', 'az', 'AZ', '__'),
  s: within('\t\r', '  '),
}
const controls: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11 }

/** parsePattern reads an expression; behind (?i) its sets have letters in both cases. Throws PATTERN_INVALID. */
export function parsePattern(text: string): Node {
  const isFolded = text.startsWith('(?i)')
  return new Parser(text, isFolded ? 4 : 0, isFolded).whole()
}

/** folded: with each letter the other case of it. */
function folded(set: Uint8Array): Uint8Array {
  const both = set.slice()
  for (let byte = 0x41; byte <= 0x5a; byte++) {
    const isIn = set[byte]! | set[byte + 0x20]!
    both[byte] = isIn
    both[byte + 0x20] = isIn
  }
  return both
}

class Parser {
  readonly #text: string
  readonly #isFolded: boolean
  #at: number
  #depth = 0

  constructor(text: string, at: number, isFolded: boolean) {
    this.#text = text
    this.#at = at
    this.#isFolded = isFolded
  }

  /** #cased: a set as it is meant; before it is negated, since neither case of a letter is in [^a] then. */
  #cased(set: Uint8Array): Uint8Array {
    return this.#isFolded ? folded(set) : set
  }

  whole(): Node {
    const node = this.#choice()
    if (this.#at < this.#text.length)
      this.#refuse('closes a group that is not open: write \\) for the character')
    return node
  }

  #refuse(why: string): never {
    refusePattern(this.#text, why)
  }

  #eat(word: string): boolean {
    const isThere = this.#text.startsWith(word, this.#at)
    if (isThere) this.#at += word.length
    return isThere
  }

  #choice(): Node {
    const of = [this.#sequence()]
    while (this.#eat('|')) of.push(this.#sequence())
    return of.length === 1 ? of[0]! : { kind: 'choice', of }
  }

  #sequence(): Node {
    const of: Node[] = []
    while (this.#at < this.#text.length && !'|)'.includes(this.#text[this.#at]!)) of.push(this.#repeated())
    return { kind: 'sequence', of }
  }

  #repeated(): Node {
    const node = this.#atom()
    const bounds = this.#bounds()
    if (!bounds) return node
    if (node.kind === 'begin' || node.kind === 'end') this.#refuse('repeats ^ or $')
    // Lazy or not makes a difference only to captures.
    this.#eat('?')
    if (this.#bounds()) this.#refuse('repeats a repetition: put it in a group, or remove one')
    return { kind: 'repeat', of: node, ...bounds }
  }

  #bounds(): { readonly least: number; readonly most: number } | undefined {
    if (this.#eat('*')) return { least: 0, most: Number.POSITIVE_INFINITY }
    if (this.#eat('+')) return { least: 1, most: Number.POSITIVE_INFINITY }
    if (this.#eat('?')) return { least: 0, most: 1 }
    const match = /^\{(\d+)(?:(,)(\d*))?\}/.exec(this.#text.slice(this.#at))
    if (!match) return undefined
    this.#at += match[0].length
    const least = Number(match[1])
    const most =
      match[2] === undefined ? least : match[3] === '' ? Number.POSITIVE_INFINITY : Number(match[3])
    if (least > REPEAT_LIMIT || (most > REPEAT_LIMIT && most !== Number.POSITIVE_INFINITY))
      this.#refuse(`repeats more than ${REPEAT_LIMIT} times`)
    if (most < least) this.#refuse(`has a repetition that runs backwards: ${match[0]}`)
    return { least, most }
  }

  #atom(): Node {
    if (this.#eat('(')) return this.#group()
    if (this.#eat('[')) return { kind: 'set', set: this.#class() }
    if (this.#eat('^')) return { kind: 'begin' }
    if (this.#eat('$')) return { kind: 'end' }
    if (this.#eat('.')) return { kind: 'set', set: setOf((byte) => byte !== 10) }
    if (this.#eat('\\')) return { kind: 'set', set: this.#cased(this.#escape()) }
    const char = String.fromCodePoint(this.#text.codePointAt(this.#at)!)
    if ('*+?'.includes(char)) this.#refuse(`repeats nothing: write \\${char} for the character`)
    this.#at += char.length
    const of = [...Buffer.from(char)].map(
      (byte): Node => ({
        kind: 'set',
        set: this.#cased(setOf((b) => b === byte)),
      }),
    )
    return of.length === 1 ? of[0]! : { kind: 'sequence', of }
  }

  #group(): Node {
    if (this.#eat('?') && !this.#eat(':'))
      this.#refuse('has a group that begins with (?: only (?: and, at the very beginning, (?i) are known')
    if (++this.#depth > DEPTH_LIMIT) this.#refuse(`has groups more than ${DEPTH_LIMIT} deep`)
    const node = this.#choice()
    this.#depth--
    if (!this.#eat(')')) this.#refuse('leaves a group open: write \\( for the character')
    return node
  }

  /** #escape: behind a backslash. */
  #escape(): Uint8Array {
    const char = this.#text[this.#at++] ?? this.#refuse('ends in a backslash')
    const known = classes[char.toLowerCase()]
    if (known) return char === char.toLowerCase() ? known : setOf((byte) => known[byte] === 0)
    if (char === 'x') {
      const digits =
        /^[0-9a-fA-F]{2}/.exec(this.#text.slice(this.#at))?.[0] ??
        this.#refuse('has \\x without two hexadecimal digits')
      this.#at += 2
      return setOf((byte) => byte === Number.parseInt(digits, 16))
    }
    if (/[1-9]/.test(char))
      this.#refuse(`refers back by \\${char}, which could take for ever: it is left out`)
    const code =
      controls[char] ??
      (/[\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e ]/.test(char) ? char.charCodeAt(0) : undefined)
    if (code === undefined) return this.#refuse(`has \\${char}, which is not known`)
    return setOf((byte) => byte === code)
  }

  #class(): Uint8Array {
    const isNegated = this.#eat('^')
    const set = new Uint8Array(256)
    for (let isFirst = true; isFirst || !this.#eat(']'); isFirst = false) {
      const from = this.#member()
      if (from.length !== 1 || !/^-[^\]]/.test(this.#text.slice(this.#at, this.#at + 2))) {
        for (const byte of from) set[byte] = 1
        continue
      }
      this.#at++
      const to = this.#member()
      if (to.length !== 1) this.#refuse('has a range of characters that ends in a class')
      if (to[0]! < from[0]!) this.#refuse('has a range of characters that runs backwards')
      set.fill(1, from[0]!, to[0]! + 1)
    }
    const cased = this.#cased(set)
    return isNegated ? setOf((byte) => cased[byte] === 0) : cased
  }

  /** #member: the bytes of one member of a class. */
  #member(): number[] {
    if (this.#at >= this.#text.length) this.#refuse('leaves [ open: write \\[ for the character')
    if (this.#eat('\\')) return [...this.#escape().entries()].flatMap(([byte, isIn]) => (isIn ? [byte] : []))
    const code = this.#text.charCodeAt(this.#at++)
    if (code > 0x7f) this.#refuse('has a character in [ ] that is not ASCII: write (a|b) instead')
    return [code]
  }
}
