// Filters as they are written:
//
//   filter = any      any = all { "or" all }      all = one { [ "and" ] one }      one = "not" one | "(" any ")" | WORD VALUE
//
// What does not parse is told with its place, and with the nearest word.

import { TenbinError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import { tryPrefix } from '../base/prefix.ts'
import { outcomeNames } from '../dataplane/outcomes.ts'
import { RECORD_KINDS, type RecordKind } from '../dataplane/record.ts'
import { tcpFlag } from '../wire/tcp.ts'
import { EVERYTHING, type Filter, type Term } from './filter.ts'

/** FILTER_MAX characters; DEPTH_MAX parentheses within each other. */
const FILTER_MAX = 1_000
const DEPTH_MAX = 20

interface Token {
  readonly text: string
  /** From 1. */
  readonly at: number
}

const NAME = /^[\w.-]{1,63}$/
const flagNames = Object.keys(tcpFlag).map((name) => name.toLowerCase())
const verdicts = ['pass', 'drop', 'tx', 'redirect', ...outcomeNames]

/** WORDS: by word, its value as a term; a string: what it should have been. */
const WORDS: Readonly<Record<Term['word'], (value: string) => Term | string>> = {
  service: (name) => (NAME.test(name) ? { word: 'service', name } : "a service's name"),
  server: (name) => (NAME.test(name) ? { word: 'server', name } : "a server's name"),
  interface: (name) => (NAME.test(name) ? { word: 'interface', name } : "an interface's name"),
  client: (value) => {
    const prefix = tryPrefix(value)
    return prefix ? { word: 'client', prefix } : 'an address or network, as 198.51.100.7 or 2001:db8::/32'
  },
  port: (value) =>
    /^\d{1,5}$/.test(value) && Number(value) <= 0xffff
      ? { word: 'port', port: Number(value) }
      : 'a port, from 0 to 65535',
  verdict: (verdict) =>
    verdicts.includes(verdict)
      ? { word: 'verdict', verdict }
      : `pass, drop, tx, redirect or a counter of docs/counters.md${suggestion(verdict, verdicts)}`,
  flags: flagsOf,
  kind: (kind) =>
    RECORD_KINDS.includes(kind as RecordKind)
      ? { word: 'kind', kind: kind as RecordKind }
      : `one of ${RECORD_KINDS.join(', ')}${suggestion(kind, RECORD_KINDS)}`,
}

const suggestion = (word: string, known: readonly string[]): string => {
  const near = nearest(word, known)
  return near === undefined ? '' : `: did you mean ${near}?`
}

function flagsOf(value: string): Term | string {
  let [set, clear] = [0, 0]
  for (const each of value.toLowerCase().split(',')) {
    const name = each.replace(/^!/, '')
    const bit = flagNames.includes(name) ? tcpFlag[name.toUpperCase() as keyof typeof tcpFlag] : undefined
    if (bit === undefined)
      return `flags as syn,!ack, of ${flagNames.join(', ')}${suggestion(name, flagNames)}`
    if (each.startsWith('!')) clear |= bit
    else set |= bit
  }
  return (set & clear) === 0
    ? { word: 'flags', set, clear }
    : 'flags that can be: one is both asked for and excluded'
}

/** parseFilter reads a filter; nothing is everything. Throws FILTER_INVALID, with the place. */
export function parseFilter(text: string): Filter {
  if (text.length > FILTER_MAX)
    throw refuse(text.slice(0, 40), FILTER_MAX, `at most ${FILTER_MAX} characters`)
  const tokens = [...text.matchAll(/[()]|[^\s()]+/g)].map(({ 0: word, index }) => ({
    text: word,
    at: index + 1,
  }))
  if (tokens.length === 0) return EVERYTHING
  const parser = new Parser(text, tokens)
  return parser.whole()
}

class Parser {
  readonly #text: string
  readonly #tokens: readonly Token[]
  #next = 0
  #depth = 0

  constructor(text: string, tokens: readonly Token[]) {
    this.#text = text
    this.#tokens = tokens
  }

  whole(): Filter {
    const filter = this.#any()
    const rest = this.#peek()
    if (rest) throw this.#refuse(rest, 'nothing more, as no ( is open')
    return filter
  }

  #any(): Filter {
    const parts = [this.#all()]
    while (this.#takes('or')) parts.push(this.#all())
    return parts.length === 1 ? parts[0]! : { any: parts }
  }

  #all(): Filter {
    const parts = [this.#one()]
    while (this.#takes('and') || this.#begins()) parts.push(this.#one())
    return parts.length === 1 ? parts[0]! : { all: parts }
  }

  #one(): Filter {
    const token = this.#peek()
    if (!token) throw this.#refuse(token, `one of ${words.join(', ')}`)
    if (this.#takes('not')) return { not: this.#one() }
    if (this.#takes('(')) {
      if (++this.#depth > DEPTH_MAX)
        throw this.#refuse(token, `at most ${DEPTH_MAX} parentheses in each other`)
      const inside = this.#any()
      if (!this.#takes(')')) throw this.#refuse(this.#peek(), 'a ) for the ( that is open')
      this.#depth--
      return inside
    }
    const read = WORDS[token.text as Term['word']]
    if (!Object.hasOwn(WORDS, token.text) || !read)
      throw this.#refuse(token, `one of ${words.join(', ')}${suggestion(token.text, words)}`)
    this.#next++
    const value = this.#peek()
    const term = value && read(value.text)
    if (typeof term !== 'object') throw this.#refuse(value, term ?? `a value for ${token.text}`)
    this.#next++
    return term
  }

  /** #begins: a term stands here without `and`. */
  #begins(): boolean {
    const text = this.#peek()?.text
    return text !== undefined && text !== 'or' && text !== ')'
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next]
  }

  #takes(text: string): boolean {
    if (this.#peek()?.text !== text) return false
    this.#next++
    return true
  }

  #refuse(found: Token | undefined, wanted: string): TenbinError {
    return refuse(found?.text, found?.at ?? this.#text.trimEnd().length + 1, wanted)
  }
}

const words = Object.keys(WORDS)

const refuse = (found: string | undefined, at: number, wanted: string): TenbinError =>
  new TenbinError('FILTER_INVALID', 'read the filter', {
    detail: `character ${at}: ${found === undefined ? 'it ends' : `"${found}"`}; expected ${wanted}`,
  })
