// Work in steps: a generator that yields where others may have a turn. Its idea: whoever does the work says where it may be put
// off, and whoever asks for it says whether it is: at once, or in turns with everything else (daemon/in-turns.ts). Between
// two steps the world may change: what a step reads it reads as it is then.

/** Steps: work that ends with a result. */
export type Steps<Result> = Generator<undefined, Result, undefined>

/** atOnce does all of it now. Throws what a step throws. */
export function atOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

/**
 * onOne: work that is of one ground from its first step to its last. Where that is another one after a step it begins again; when
 * that has happened MOST times it is done at once, so that it ends however often the ground changes.
 */
export function* onOne<Ground, Result>(
  ground: () => Ground,
  work: (ground: Ground) => Steps<Result>,
): Steps<Result> {
  for (let again = 0; ; again++) {
    const begun = ground()
    for (const steps = work(begun); ; ) {
      const { done, value } = steps.next()
      if (done) return value
      if (again >= MOST) continue
      yield
      if (ground() !== begun) break
    }
  }
}

const MOST = 3
