/**
 * V8_OPTIONS of a process that is not to be late: a small heap that is collected by its own thread, since others of the process
 * have no priority; code that has been compiled stays, however long it has not run (V8 drops it after some collections), and is
 * made faster from its first run on, since what matters most runs seldom (V8 waits for some runs else).
 */
export const V8_OPTIONS = [
  '--max-semi-space-size=1',
  '--max-old-space-size=96',
  '--single-threaded-gc',
  '--no-flush-bytecode',
  '--no-lazy-feedback-allocation',
] as const
