// What stories of services whose scheduler counts are told with.

import type { Held, Step } from './story.ts'
import { datagram, syn } from './story-words.ts'
import type { Parts } from './vector.ts'

/** from: a client's connection by its port. */
export const from = (source: number, of: (parts: Parts) => Parts = syn): Parts => of({ tcp: { source } })
/** again: a datagram of another client's port. */
export const again = (source: number): Parts => datagram({ udp: { source } })

/** news: new connections one after the other, and who gets each. */
export const news = (...servers: readonly (1 | 2)[]): Step[] =>
  servers.map((to, i) => ({ send: from(i + 1), to, events: 'miss insert', record: `syn ${to}` }))
/** opened: a new connection, and who gets it. */
export const opened = (to: 1 | 2, rest: Partial<Step> = {}): Step => ({
  ...{ send: syn(), to, events: 'miss insert', record: `syn ${to}` },
  ...rest,
})
/** strangers: records of others in places 0 and on; four of them are a bucket. */
export const strangers = (...records: readonly string[]): Held[] =>
  records.map((record, place) => ({ place, record }))
export const four = (record: string): Held[] => strangers(record, record, record, record)
