// What is wrong now, told once when it begins and once when it is over, however often it is found in between.

import type { Problem } from './api-schema.ts'
import type { Log } from './log.ts'
import { problemText } from './problem.ts'

export class OpenProblems {
  readonly #log: Log
  #now: readonly Problem[] = []

  constructor(log: Log) {
    this.#log = log
  }

  get now(): readonly Problem[] {
    return this.#now
  }

  /** set: these are wrong now, and nothing else. */
  set(problems: readonly Problem[]): void {
    const before = this.#now
    this.#now = problems
    for (const each of problems.filter(isNotIn(before))) {
      this.#log.warn({ code: each.code, remedy: each.remedy }, problemText(each))
    }
    for (const each of before.filter(isNotIn(problems))) {
      this.#log.info({ code: each.code }, `over: ${problemText(each)}`)
    }
  }
}

const isNotIn =
  (some: readonly Problem[]) =>
  (each: Problem): boolean =>
    !some.some(({ message }) => message === each.message)
