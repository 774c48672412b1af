// For tests: a log of events that keeps nothing on disk and writes no lines.

import { EventLog, memoryStore } from './event-log.ts'

/** quietLog: numbers from `first` on; `now` is the present unless told otherwise. */
export function quietLog(first = 1, now: () => Date = () => new Date()): EventLog {
  const ignore = () => undefined
  return new EventLog({
    store: memoryStore(first),
    log: { info: ignore, warn: ignore, error: ignore },
    now,
  })
}
