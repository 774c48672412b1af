// Who answers which path, whatever connections come and go.

import { invariant } from '../base/errors.ts'
import { BODY_LIMIT, BODY_MAX, type HandleOptions, type Handler } from './peers.ts'

interface Bounded {
  readonly handler: Handler
  readonly maxBytes: number
}

export class Handlers {
  readonly #handlers = new Map<string, Bounded>()

  /** add: one handler for a path, until disposed. */
  add(path: string, handler: Handler, { maxBytes = BODY_MAX }: HandleOptions = {}): Disposable {
    invariant(/^[a-z0-9-]+(\/[a-z0-9-]+)*$/.test(path), `"${path}" is no path`)
    invariant(!this.#handlers.has(path), `${path} has a handler already`)
    const mine = { handler, maxBytes: Math.min(maxBytes, BODY_LIMIT) }
    this.#handlers.set(path, mine)
    return { [Symbol.dispose]: () => void (this.#handlers.get(path) === mine && this.#handlers.delete(path)) }
  }

  get(path: string): Bounded | undefined {
    return this.#handlers.get(path)
  }
}
