// Several batches of one table as one, so that whatever has become news while a message was under way is one message
// behind it. Names that more than one of them uses are there once; records stay in their order, so that the later of two
// of one flow is read last. Pure.

import { invariant } from '../base/errors.ts'
import type { FlowBatch } from '../engine/flow-exchange.ts'

/** mergeBatches of one table, at least one of them. */
export function mergeBatches(batches: readonly FlowBatch[]): FlowBatch {
  const [first] = batches
  invariant(first, 'no batch')
  if (batches.length === 1) return first
  const services = new Merged<string>((name) => name)
  const servers = new Merged<FlowBatch['servers'][number]>(({ name, address }) => `${name} ${address}`)
  const interfaces = new Merged<string>((name) => name)
  const records = batches.flatMap((batch) => {
    invariant(batch.table === first.table, 'batches of two tables')
    const service = services.add(batch.services)
    const server = servers.add(batch.servers)
    const via = interfaces.add(batch.interfaces)
    return batch.records.map((record) => ({
      ...record,
      service: service[record.service]!,
      server: server[record.server]!,
      ...(record.answer && { answer: { ...record.answer, via: via[record.answer.via]! } }),
    }))
  })
  return {
    table: first.table,
    services: services.all,
    servers: servers.all,
    interfaces: interfaces.all,
    records,
  }
}

/** Merged: items, each once. */
class Merged<Item> {
  readonly all: Item[] = []
  readonly #keyOf: (item: Item) => string
  readonly #places = new Map<string, number>()

  constructor(keyOf: (item: Item) => string) {
    this.#keyOf = keyOf
  }

  /** add items: the place of each. */
  add(items: readonly Item[]): readonly number[] {
    return items.map((item) => {
      const key = this.#keyOf(item)
      const place = this.#places.get(key) ?? this.all.push(item) - 1
      this.#places.set(key, place)
      return place
    })
  }
}
