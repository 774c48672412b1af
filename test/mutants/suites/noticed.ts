// What a suite says of a mutant, for the test that reads it: exit status 0 when all is well; 3 and "noticed: WHY" when
// something is not as it should be; any other status when the mutant is no program at all (a name that is not there).

/** report runs the suite and ends the process. */
export function report(suite: () => void): never {
  try {
    suite()
  } catch (error) {
    const isBroken = [ReferenceError, SyntaxError, TypeError].some((kind) => error instanceof kind)
    if (isBroken || !(error instanceof Error)) throw error
    console.log(`noticed: ${error.message}`)
    process.exit(3)
  }
  process.exit(0)
}
