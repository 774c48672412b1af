// Serial runs asynchronous jobs one after another, in the order of asking; a job that fails does not hold up the
// next.

export class Serial {
  #last: Promise<unknown> = Promise.resolve()

  /** run queues a job and resolves or rejects as it does. */
  run<Result>(job: () => Promise<Result>): Promise<Result> {
    const done = this.#last.then(job, job)
    this.#last = done.catch(() => undefined)
    return done
  }

  /** idle resolves when every job queued so far has ended. */
  async idle(): Promise<void> {
    await this.#last
  }
}
