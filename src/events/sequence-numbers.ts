// The numbers of events: each is given away once, over restarts of the daemon, also while nothing can be kept on the disk
// or when a kill came before the last events were written. Its idea: a file that a boot may forget (/run) has a number
// that was not given away yet, written ahead for BLOCK numbers at a time.

import { readIfThere, writePrivate } from '../sys/private-file.ts'

/** BLOCK: numbers that one write is good for, and so the most that a kill leaves out. */
const BLOCK = 100

export class SequenceNumbers {
  readonly #path: string
  #next: number
  /** The first number that the file does not say is given away. */
  #reserved: number

  /** `last`: the highest that is known to be given away. */
  constructor(path: string, last: number) {
    this.#path = path
    this.#next = Math.max(last + 1, readNumber(path))
    this.#reserved = this.#next
  }

  next(): number {
    const seq = this.#next++
    if (this.#next > this.#reserved) this.#reserve(this.#next + BLOCK)
    return seq
  }

  /** close: no number is left out. */
  close(): void {
    this.#reserve(this.#next)
  }

  #reserve(number: number): void {
    this.#reserved = number
    try {
      writePrivate(this.#path, `${number}\n`)
    } catch {
      // Then the files of events alone say what was given away.
    }
  }
}

function readNumber(path: string): number {
  try {
    const number = Number(readIfThere(path)?.toString('utf8'))
    return Number.isSafeInteger(number) && number > 0 ? number : 1
  } catch {
    return 1
  }
}
