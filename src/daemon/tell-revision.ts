// What becomes of revisions without anybody asking at that moment, as events.

import type { EventSink } from '../events/event.ts'
import type { Told } from '../revisions/local.ts'
import type { Head } from '../revisions/revision.ts'

/** tellFollowed: this node runs now what another one runs. */
export function tellFollowed(events: EventSink, node: string, { number, id, who, why }: Head): void {
  const said = why === '' ? '' : `: ${why}`
  const text = `runs revision ${number} of ${who}, as ${node} does${said}`
  events.record({ kind: 'node.followed', severity: 'notice', text, data: { revision: number, id, node } })
}

/** tellOnDisk: nobody had touched the file, and it says now what counts. */
export function tellOnDisk(events: EventSink, file: string, { number, id }: Head): void {
  const text = `${file} was what counted before: it is revision ${number} now`
  events.record({
    kind: 'node.changed',
    severity: 'info',
    text,
    data: { cause: 'file', revision: number, id },
  })
}

/** tellRevision records what was told. */
export function tellRevision(events: EventSink, told: Told): void {
  const { number, id, who } = told.head
  const data = { revision: number, id }
  switch (told.kind) {
    case 'awaits': {
      const text = `revision ${number} of ${who} is taken back at ${told.deadline.time} unless it is confirmed`
      events.record({ kind: 'node.awaits', severity: 'notice', text, data })
      return
    }
    case 'confirmed':
      events.record({
        kind: 'node.confirmed',
        severity: 'notice',
        text: `revision ${number} counts for good: ${told.why}`,
        data,
      })
      return
    case 'reverted': {
      const to = told.to ? `back to revision ${told.to.number}` : 'taken back'
      const text = `revision ${number} of ${who}: ${to}: ${told.why}`
      events.record({ kind: 'node.reverted', severity: 'warning', text, data: { ...data, why: told.why } })
      return
    }
    default:
      told satisfies never
  }
}
