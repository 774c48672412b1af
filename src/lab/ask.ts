// Asks a person a question to be answered with yes or no. The terminal stays as it is, so that Ctrl-C is the signal that it
// always is and ends the whole command; no answer (Ctrl-D) is no.

import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

/** askYes: whether the next line of `input` says y or yes. Rejects with AbortError when `signal` is aborted. */
export async function askYes(
  question: string,
  signal: AbortSignal,
  input: Readable = process.stdin,
  output: Writable = process.stdout,
): Promise<boolean> {
  output.write(question)
  const lines = createInterface({ input, terminal: false })
  try {
    const line = once(lines, 'line', { signal }) as Promise<[string]>
    const end = once(lines, 'close', { signal }).then((): [string] => [''])
    const [answer] = await Promise.race([line, end])
    return /^y(es)?$/i.test(answer.trim())
  } catch (error) {
    // What comes next does not belong behind the question.
    output.write('\n')
    throw error
  } finally {
    lines.close()
  }
}
