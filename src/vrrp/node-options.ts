/**
 * NODE_OPTIONS of a process that is not to be late: a small heap that is collected by its own thread, since others of the process
 * have no priority; code that has been compiled stays, however long it has not run (V8 drops it after some collections).
 */
export const NODE_OPTIONS = [
  '--max-semi-space-size=1',
  '--max-old-space-size=96',
  '--single-threaded-gc',
  '--no-flush-bytecode',
] as const
