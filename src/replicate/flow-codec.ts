// Batches of records of flows as bytes: the names that they use, each once, then the records, 14 bytes or so each, and 33
// more for one of the table of answers.
//
//   table | services | servers (name, address) | interfaces | count | records
//   record: hash u32, other u32, server, service, state and kind u8, age in ms (| via, eight words)

import type { FlowBatch, FlowTableName, SharedFlow } from '../engine/flow-exchange.ts'
import { type ByteReader, type ByteWriter, malformed } from './bytes.ts'

/** RECORDS_MAX: in a batch. NAMES_MAX: of one kind. */
export const RECORDS_MAX = 16_384
const NAMES_MAX = 65_536
/** AGE_MAX: a year and more, in milliseconds; nothing is remembered for longer. */
const AGE_MAX = 2 ** 36
const NETWORK = 4
const ANSWER_WORDS = 8

const TABLES: readonly FlowTableName[] = ['flows', 'answers']

/** encodeFlows writes a batch of RECORDS_MAX records at most. */
export function encodeFlows(
  to: ByteWriter,
  { table, services, servers, interfaces, records }: FlowBatch,
): void {
  to.u8(TABLES.indexOf(table))
  to.whole(services.length)
  for (const name of services) to.text(name)
  to.whole(servers.length)
  for (const { name, address } of servers) to.text(name).text(address)
  to.whole(interfaces.length)
  for (const name of interfaces) to.text(name)
  to.whole(records.length)
  for (const { hash, other, server, service, state, ageMs, isNetwork, answer } of records) {
    to.u32(hash).u32(other).whole(server).whole(service)
    to.u8(state | (isNetwork ? NETWORK : 0)).whole(Math.min(AGE_MAX, ageMs))
    if (!answer) continue
    to.whole(answer.via)
    for (const word of answer.words) to.u32(word)
  }
}

/** decodeFlows reads a batch. Throws REPLICA_MALFORMED. */
export function decodeFlows(from: ByteReader): FlowBatch {
  const table = TABLES[from.u8()]
  if (!table) throw malformed('a table that there is not')
  const list = <Item>(what: string, read: () => Item): Item[] =>
    Array.from({ length: from.whole(NAMES_MAX, what) }, read)
  const services = list('services', () => from.text())
  const servers = list('servers', () => ({ name: from.text(), address: from.text() }))
  const interfaces = list('interfaces', () => from.text())
  const place = (of: readonly unknown[], what: string) => from.whole(of.length - 1, what)
  const count = from.whole(RECORDS_MAX, 'records')
  const records: SharedFlow[] = []
  for (let i = 0; i < count; i++) {
    const [hash, other] = [from.u32(), from.u32()]
    const server = place(servers, 'server')
    const service = place(services, 'service')
    const flags = from.u8()
    const state = flags & 3
    if (state === 0 || flags > 7) throw malformed(`flags ${flags} of a record`)
    const ageMs = from.whole(AGE_MAX, 'age')
    const answer =
      table === 'answers'
        ? {
            via: place(interfaces, 'interface'),
            words: Uint32Array.from({ length: ANSWER_WORDS }, () => from.u32()),
          }
        : undefined
    records.push({
      ...{ hash, other, server, service, ageMs },
      ...{ state: state as SharedFlow['state'], isNetwork: (flags & NETWORK) !== 0 },
      ...(answer && { answer }),
    })
  }
  return { table, services, servers, interfaces, records }
}
