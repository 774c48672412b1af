// What a server says, held against a pattern: as it comes, up to a bound, and none of it kept but its beginning, for
// the message.

import type { Matcher, Pattern } from '../base/pattern.ts'
import type { Channel } from './channel.ts'
import { bad, good, type Verdict } from './checker.ts'
import { shown } from './failure.ts'
import type { Look } from './look.ts'

/** ANSWER_LIMIT: bytes of an answer that are looked at. */
export const ANSWER_LIMIT = 65_536

/** Expectation: a pattern being looked for in bytes that come in pieces. */
export class Expectation {
  readonly #pattern: Pattern
  readonly #matcher: Matcher
  #first: Buffer = Buffer.alloc(0)
  #count = 0

  constructor(pattern: Pattern) {
    this.#pattern = pattern
    this.#matcher = pattern.matcher()
  }

  /** feed: the verdict, once there is one. */
  feed(bytes: Uint8Array): Verdict | undefined {
    if (this.#first.length < 64)
      this.#first = Buffer.concat([this.#first, bytes.subarray(0, 64 - this.#first.length)])
    const rest = ANSWER_LIMIT - this.#count
    this.#count += bytes.length
    if (this.#matcher.feed(bytes.subarray(0, rest))) return good('as expected')
    return this.#count >= ANSWER_LIMIT ? this.#missed(`in the first ${ANSWER_LIMIT / 1024} KiB`) : undefined
  }

  /** end: the verdict when nothing more comes. */
  end(): Verdict {
    return this.#matcher.end() ? good('as expected') : this.#missed('')
  }

  #missed(where: string): Verdict {
    const what = this.#count === 0 ? 'nothing' : shown(this.#first, 40)
    return bad(`no ${shown(Buffer.from(this.#pattern.source))}${where && ` ${where}`}: it said ${what}`)
  }
}

/** expectPattern reads until the pattern matches, the server ends, or too much came. */
export async function expectPattern(look: Look, channel: Channel, pattern: Pattern): Promise<Verdict> {
  look.doing = `waiting for ${shown(Buffer.from(pattern.source))}`
  const expectation = new Expectation(pattern)
  for (;;) {
    const bytes = await channel.read()
    if (bytes === undefined) return expectation.end()
    const verdict = expectation.feed(bytes)
    if (verdict) return verdict
  }
}
