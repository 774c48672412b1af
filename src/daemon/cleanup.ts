// Cleanup: what is to be undone, last first, also when an undoing fails (then its error is thrown at the end).
// Node 20 has no AsyncDisposableStack.

export class Cleanup {
  readonly #steps: (() => void | Promise<void>)[] = []

  /** defer adds a step. */
  defer(step: () => void | Promise<void>): void {
    this.#steps.push(step)
  }

  /** use adds the disposal of a resource and returns the resource. */
  use<Resource extends Disposable | AsyncDisposable>(resource: Resource): Resource {
    this.defer(async () => {
      if (Symbol.asyncDispose in resource) await resource[Symbol.asyncDispose]()
      else resource[Symbol.dispose]()
    })
    return resource
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const errors: unknown[] = []
    for (const step of this.#steps.reverse()) {
      try {
        await step()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  }
}
