// A process of this folder inside a node that talks by lines: it says `open` when it is ready, and answers each word
// that it is told on stdin with one line of JSON. It ends when it is disposed, whatever it is doing.

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import type { Lab } from '../../../src/lab/held-lab.ts'
import type { Command } from '../../../src/lab/run.ts'

export class TalkingProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #err: Promise<string>
  #said = ''

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#err = text(child.stderr!)
    this.#lines = child.stdout!.setEncoding('utf8')[Symbol.asyncIterator]() as AsyncIterator<string>
  }

  /** start resolves when the process is ready. */
  static async start(lab: Lab, node: string, command: Command): Promise<TalkingProcess> {
    const child = lab.spawn(node, command, { stdio: ['pipe', 'pipe', 'pipe'], detached: true })
    child.stdin!.on('error', () => undefined)
    const started = new TalkingProcess(child)
    const first = await started.#line()
    if (first !== 'open') throw new Error(`${command.at(-2)}: ${first}`)
    return started
  }

  /** ask says one word and resolves with the answer. */
  async ask<Answer>(word: string): Promise<Answer> {
    this.#child.stdin!.write(`${word}\n`)
    return JSON.parse(await this.#line()) as Answer
  }

  /** Dispose: the process is gone, killed if need be. */
  async [Symbol.asyncDispose](): Promise<void> {
    await gone(this.#child)
  }

  async #line(): Promise<string> {
    while (!this.#said.includes('\n')) {
      const { done, value } = await this.#lines.next()
      if (done) throw new Error(`it ended: ${this.#said}${await this.#err}`)
      this.#said += value
    }
    const end = this.#said.indexOf('\n')
    const first = this.#said.slice(0, end)
    this.#said = this.#said.slice(end + 1)
    return first
  }
}

/** gone resolves when the process has ended, killed if need be. */
export async function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed
}
