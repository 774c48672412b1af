// Events in the words of each way of telling: a mail, whose subject says the gravest of them, and the JSON that webhooks
// and scripts get. Pure.

import { type Event, severities } from '../events/event.ts'

/** About: which tenbin it is that tells. `host`: the machine's name. */
export interface About {
  readonly instance: string
  readonly node: string
  readonly host: string
}

/** Letter: a mail without its envelope; `id` is the same whenever the same events are told again. */
export interface Letter {
  readonly subject: string
  readonly text: string
  readonly id: string
}

const SUBJECT_LIMIT = 150
/** LINES_LIMIT: events that one mail has in full. */
export const LINES_LIMIT = 200

/** letterOf: at least one event; `missed` before them were dropped. */
export function letterOf(events: readonly Event[], missed: number, { instance, node, host }: About): Letter {
  const [first, last] = [events[0]!, events.at(-1)!]
  const gravest = events.reduce((worst, each) => (rank(each) > rank(worst) ? each : worst))
  const what =
    events.length === 1
      ? `${first.severity}: ${first.text}`
      : `${events.length} changes, gravest: ${gravest.text}`
  const subject = `[tenbin ${node}] ${what}`
  const lines = events
    .slice(0, LINES_LIMIT)
    .map(({ time, severity, text }) => `${time}  ${severity.padEnd(7)}  ${text}`)
  const more = events.length - lines.length
  return {
    subject: subject.length > SUBJECT_LIMIT ? `${subject.slice(0, SUBJECT_LIMIT)}…` : subject,
    text: [
      ...(missed > 0 ? [`${missed} earlier changes are missing here: too many waited.`, ''] : []),
      ...lines,
      ...(more > 0 ? [`and ${more} more: tenbin events shows them`] : []),
      '',
      '-- ',
      `tenbin ${instance} on ${host}, node ${node}`,
      '',
    ].join('\n'),
    id: `tenbin-${instance}-${first.seq}-${last.seq}`,
  }
}

const rank = ({ severity }: Event): number => severities.indexOf(severity)

/** bodyOf: JSON of one event; `missed` before it were dropped. */
export function bodyOf(event: Event, missed: number, { instance, node, host }: About): string {
  return JSON.stringify({ instance, node, host, ...(missed > 0 && { missed }), event })
}
