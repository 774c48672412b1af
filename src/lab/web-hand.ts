// The hand on a lab's web servers: has the process that is all of them (web-process.ts) stop, begin, freeze or thaw one.

import type { Socket } from 'node:net'
import type { WebOrder } from './web-server.ts'

export class WebHand {
  readonly #line: Socket
  readonly #waiting: { readonly word: string; done(isDone: boolean): void }[] = []
  #text = ''

  /** `line`: what the process has as descriptor 3. It keeps nobody from ending. */
  constructor(line: Socket) {
    this.#line = line
    line.unref()
    line.on('error', () => undefined).on('close', () => this.#end())
    line.on('data', (bytes: Buffer) => {
      this.#text += bytes
      for (let at = this.#text.indexOf('\n'); at >= 0; at = this.#text.indexOf('\n')) {
        if (this.#waiting[0]?.word === this.#text.slice(0, at)) this.#waiting.shift()!.done(true)
        this.#text = this.#text.slice(at + 1)
      }
    })
  }

  /** isReady: all servers listen; false: the process has ended. */
  isReady(): Promise<boolean> {
    this.#line.ref()
    return this.#hear('ready').finally(() => this.#line.unref())
  }

  /** tell the process about the server called `name`; resolves when it has done so, or has ended. */
  tell(order: WebOrder, name: string): Promise<boolean> {
    const heard = this.#hear('done')
    this.#line.write(`${order} ${name}\n`)
    return heard
  }

  #hear(word: string): Promise<boolean> {
    return new Promise((done) => {
      if (this.#line.destroyed) done(false)
      else this.#waiting.push({ word, done })
    })
  }

  #end(): void {
    for (const { done } of this.#waiting.splice(0)) done(false)
  }
}
