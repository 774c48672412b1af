// Runs something that a person or the system may end at any moment, and lets it clean up: SIGINT, SIGTERM and SIGHUP
// abort a signal that the body watches, and it fails with LAB_INTERRUPTED after its own disposals are done.

import { TenbinError } from '../base/errors.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** interruptible runs `body`; when a signal came, it throws LAB_INTERRUPTED once the body has ended, however it did. */
export async function interruptible<Result>(body: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const controller = new AbortController()
  const interrupt = (name: NodeJS.Signals) => {
    controller.abort(
      new TenbinError('LAB_INTERRUPTED', 'lab', { detail: `ended by ${name}; the lab was removed` }),
    )
  }
  for (const name of SIGNALS) process.on(name, interrupt)
  try {
    const result = await body(controller.signal)
    controller.signal.throwIfAborted()
    return result
  } catch (error) {
    // The body may have failed by what the signal did to its children: the signal is the cause.
    controller.signal.throwIfAborted()
    throw error
  } finally {
    for (const name of SIGNALS) process.off(name, interrupt)
  }
}
