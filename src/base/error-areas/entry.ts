// What an error code stands for: a pure form, so that each area's file is nothing but its codes.

/** Entry: what an error code means, and what the user does about it: both sentences without a final stop. */
export interface Entry {
  readonly meaning: string
  readonly remedy: string
}

/** entry: meaning and remedy, in that order. */
export const entry = (meaning: string, remedy: string): Entry => ({ meaning, remedy })
