/** SMALL: options of Node for a small heap that is collected by its own thread, since others of the process have no priority. */
export const SMALL = ['--max-semi-space-size=1', '--max-old-space-size=96', '--single-threaded-gc'] as const
