// Metrics of a running daemon: its status, its events and its process, as text, at the address that the file names.

import { setImmediate as turn } from 'node:timers/promises'
import type { EventKind } from '../events/event.ts'
import type { EventLog } from '../events/event-log.ts'
import type { Status } from './api-schema.ts'
import { inTurns } from './in-turns.ts'
import type { Log } from './log.ts'
import { metricsSteps } from './metrics.ts'
import { MetricsServer } from './metrics-server.ts'
import { expositionParts } from './open-metrics.ts'

/** openMetrics: a server that listens nowhere yet. Dispose: it no longer does. */
export function openMetrics(status: () => Promise<Status>, events: EventLog, log: Log): MetricsServer {
  const counts = new Map<EventKind, number>()
  events.subscribe(({ kind }) => counts.set(kind, (counts.get(kind) ?? 0) + 1))
  return new MetricsServer({
    render: async (format) => {
      const { user, system } = process.cpuUsage()
      const facts = { residentBytes: process.memoryUsage.rss(), cpuSeconds: (user + system) / 1e6 }
      const families = await inTurns(metricsSteps(await status(), { ...facts, events: counts }))
      let text = ''
      for (const part of expositionParts(families, format)) {
        text += part
        // Thousands of services are much text: what happens meanwhile is not kept waiting.
        await turn()
      }
      return text
    },
    onBug: (error) =>
      log.error(
        { stack: error instanceof Error ? error.stack : String(error) },
        'a bug in the daemon: no metrics',
      ),
  })
}
