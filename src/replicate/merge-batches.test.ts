import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FlowBatch, SharedFlow } from '../engine/flow-exchange.ts'
import { mergeBatches } from './merge-batches.ts'

const flow = (hash: number, service: number, server: number, via?: number): SharedFlow => ({
  ...{ hash, other: 0, service, server, state: 3, ageMs: 0, isNetwork: false },
  ...(via !== undefined && { answer: { words: new Uint32Array(8), via } }),
})
const [a, b] = ['a', 'b'].map((name, at) => ({ name, address: `10.0.0.${at + 1}` })) as [
  FlowBatch['servers'][number],
  FlowBatch['servers'][number],
]
/** spelled: each record by names. */
const spelled = ({ services, servers, interfaces, records }: FlowBatch) =>
  records.map(({ hash, service, server, answer }) =>
    [hash, services[service], servers[server]?.name, answer && interfaces[answer.via]].join(' '),
  )

const one: FlowBatch = {
  ...{ table: 'answers', services: ['www', 'shop'], servers: [a, b], interfaces: ['lan'] },
  records: [flow(1, 0, 0, 0), flow(2, 1, 1, 0)],
}
const two: FlowBatch = {
  ...{ table: 'answers', services: ['shop', 'mail'], servers: [b], interfaces: ['back', 'lan'] },
  records: [flow(1, 0, 0, 1), flow(3, 1, 0, 0)],
}

test('records of several batches keep their names and their order, and names are there once', () => {
  const merged = mergeBatches([one, two, one])
  assert.deepEqual(spelled(merged), [...spelled(one), ...spelled(two), ...spelled(one)])
  assert.deepEqual(merged.services, ['www', 'shop', 'mail'])
  assert.deepEqual(merged.servers, [a, b])
  assert.deepEqual(merged.interfaces, ['lan', 'back'])
})

test('servers of one name and two addresses stay two', () => {
  const other = { ...one, servers: [{ ...a, address: '10.0.0.9' }, b] }
  const { servers, records } = mergeBatches([one, other])
  assert.deepEqual(
    records.map(({ server }) => servers[server]?.address),
    ['10.0.0.1', '10.0.0.2', '10.0.0.9', '10.0.0.2'],
  )
})

test('a batch alone stays as it is', () => assert.equal(mergeBatches([one]), one))
