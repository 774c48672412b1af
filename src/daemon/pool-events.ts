// What happens to a pool as a whole, in words: its guard holds or lets go, its quorum is lost or back, its sorry servers
// answer or no longer do. Pure.

import type { NewEvent } from '../events/event.ts'
import type { PoolOfChecks } from './check-plan.ts'

/** About: a pool, and the services that it answers for. */
export interface About {
  readonly pool: string
  readonly services: readonly string[]
}

/** guardEvent: so many of the pool's servers are held now. */
export function guardEvent(about: About, held: number, of: number): NewEvent {
  const { pool } = about
  return held > 0
    ? {
        ...{ kind: 'service.held', severity: 'error', ...about, data: { held, of } },
        text: `${held} of ${of} servers of pool ${pool} failed at once: the guard keeps the last good set`,
      }
    : {
        ...{ kind: 'service.released', severity: 'notice', ...about, data: { held, of } },
        text: `the guard of pool ${pool} has ended`,
      }
}

type Counted = Pick<PoolOfChecks, 'present' | 'rules' | 'members'>

/** quorumEvent: it is lost, or there: also the first time. */
export function quorumEvent(about: About, counted: Counted, isMet: boolean): NewEvent {
  const { present, rules } = counted
  const data = { present, up: rules.quorum.up, down: rules.quorum.down, isMet }
  return isMet
    ? {
        ...{ kind: 'service.quorum', severity: 'notice', ...about, data },
        text: `pool ${about.pool} has its quorum: weight ${present} of ${totalOf(counted)}`,
      }
    : {
        ...{ kind: 'service.quorum', severity: 'error', ...about, data },
        text: lostText(about.pool, counted),
      }
}

/** lostText: what is lost, and what would bring it back. */
export function lostText(pool: string, { present, rules, members }: Counted): string {
  const { up } = rules.quorum
  if (present === 0) return `no server of pool ${pool} is up`
  return `pool ${pool} has lost its quorum: weight ${present} of ${totalOf({ members })}, back at ${up}`
}

const totalOf = ({ members }: Pick<Counted, 'members'>): number =>
  [...members.values()].reduce((sum, { weight }) => sum + weight, 0)

/** sorryEvent: the sorry servers of a pool answer, or no longer do. */
export function sorryEvent(about: About, sorry: readonly string[], isSorry: boolean): NewEvent {
  const { pool } = about
  const [first, ...more] = sorry
  const who = more.length === 0 ? `sorry server ${first}` : `sorry servers ${sorry.slice(0, 3).join(', ')}`
  const verb = more.length === 0 ? 'answers' : 'answer'
  const rest = more.length > 2 ? ` and ${more.length - 2} more` : ''
  return isSorry
    ? {
        ...{ kind: 'service.sorry', severity: 'error', ...about, data: { isSorry } },
        text: `${who}${rest} ${verb} for pool ${pool}`,
      }
    : {
        ...{ kind: 'service.sorry', severity: 'notice', ...about, data: { isSorry } },
        text: `servers of pool ${pool} answer again: ${who}${rest} ${more.length === 0 ? 'gets' : 'get'} nothing new`,
      }
}
