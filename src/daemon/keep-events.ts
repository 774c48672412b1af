// The log of events of an instance, on its disk; where that cannot be, in memory, and it says so: on a read-only file
// system once, since that is how the machine is made, otherwise as a problem until it is over.

import { EventFiles } from '../events/event-files.ts'
import { EventLog } from '../events/event-log.ts'
import type { Problem } from './api-schema.ts'
import type { Instance } from './instance.ts'
import type { Log } from './log.ts'
import { problem } from './problem.ts'

/** CLOSE_MS: how long the end of the daemon waits for the disk. */
const CLOSE_MS = 2_000

/** KeptEvents: `problems` is asked now and then. */
export interface KeptEvents {
  readonly events: EventLog
  problems(): readonly Problem[]
  /** close: what happened last is written. */
  close(): Promise<void>
}

/** openEvents: with what is kept of before; numbers go on behind `given`, too. */
export function openEvents(
  { events: directory, eventNumbers: sequence }: Pick<Instance, 'events' | 'eventNumbers'>,
  log: Pick<Log, 'info' | 'warn' | 'error'>,
  given = 0,
): KeptEvents {
  const store = new EventFiles({ directory, sequence, given })
  const events = new EventLog({ store, log, now: () => new Date() })
  let isTold = false
  return {
    events,
    problems() {
      const unkept = store.unkept()
      if (!unkept) return []
      const text = `events are kept in memory only: ${unkept.why}`
      if (!unkept.isReadOnly) return [problem('EVENTS_UNKEPT', text)]
      if (!isTold) events.record({ kind: 'node.unkept', severity: 'notice', text })
      isTold = true
      return []
    },
    close: () => store.close(CLOSE_MS),
  }
}
