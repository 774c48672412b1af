// The notifications of an instance: what is known of their progress on its disk, and the process that sends.

import { hostname } from 'node:os'
import type { EventLog } from '../events/event-log.ts'
import { lookUpUser } from '../health/user.ts'
import { Notifier } from '../notify/notifier-client.ts'
import type { Instance } from './instance.ts'
import { Notifications } from './notifications.ts'
import type { NotifyProgress } from './notify-progress.ts'

/** CLOSE_MS: how long the end of the daemon waits for the disk. */
const CLOSE_MS = 2_000
/** NOBODY: where the machine knows no user of that name; Linux's overflow ids (proc(5), overflowuid). */
const NOBODY = { uid: 65_534, gid: 65_534 }

/** KeptNotifications: `close` when nothing is told any more. */
export interface KeptNotifications {
  readonly notifications: Notifications
  close(): Promise<void>
}

/** openNotifications: nobody is told before a file was applied. */
export function openNotifications(
  { name }: Instance,
  events: EventLog,
  progress: NotifyProgress,
): KeptNotifications {
  const notifier = new Notifier(nobody())
  const notifications = new Notifications({
    instance: name,
    host: hostname(),
    events,
    progress,
    send: (job) => notifier.send(job),
    monotonic: () => performance.now(),
  })
  return {
    notifications,
    async close() {
      notifications[Symbol.dispose]()
      notifier[Symbol.dispose]()
      await progress.close(CLOSE_MS)
    },
  }
}

function nobody(): { readonly uid: number; readonly gid: number } {
  try {
    return lookUpUser('nobody')
  } catch {
    return NOBODY
  }
}
