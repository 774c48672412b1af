// Peers of other versions, played by a server and a client that show a node's certificate.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import { test } from 'node:test'
import { formatIp } from '../base/addresses.ts'
import { Line } from './call.ts'
import { TestCluster, until } from './cluster.fixture.ts'
import { identityOf } from './identity.ts'
import { contextOf, REQUEST_PATH } from './reception.ts'

const later = (min: number, max: number, more: object = {}) => ({
  ...{ node: 'lb2', version: '9.0.0', protocols: { min, max }, run: 'r', clock: Date.now() },
  ...{ keys: { current: '0123456789abcdef' }, parts: {}, ...more },
})

/** playing lb2: whoever asks gets `answer`. */
async function playing(cluster: TestCluster, answer: object) {
  const identity = identityOf(cluster.keys.get('lb2')!, new Date())
  const server = createServer(
    { ...contextOf(identity), requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      request.resume().once('end', () => response.end(JSON.stringify(answer)))
    },
  )
  server.listen(cluster.spec.port, formatIp(cluster.address('lb2')))
  await once(server, 'listening')
  return {
    [Symbol.dispose]() {
      server.close()
      server.closeAllConnections()
    },
  }
}

test('a later version is talked to by the protocol that both speak, whatever else it says', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  using _ = await playing(cluster, later(1, 7, { mood: 'good', parts: { unheard: [1] } }))
  const one = cluster.start('lb1')
  await until(
    () => one.nodes()[0]?.state === 'connected',
    () => one.nodes(),
  )
  const { version, protocol, parts } = one.nodes()[0]!
  assert.deepEqual([version, protocol, parts], ['9.0.0', 1, { unheard: [1] }])
})

test('a version with which nothing is common is refused at both ends, with whom to upgrade', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  const far = later(5, 7, { parts: 'elsewhere', keys: [] })
  using _ = await playing(cluster, far)
  const one = cluster.start('lb1')
  await until(
    () => one.nodes()[0]?.state === 'refused',
    () => one.nodes(),
  )
  const words = /it runs tenbin 9\.0\.0 with protocol 5 to 7, and this node speaks 1: upgrade this node/
  assert.match(one.nodes()[0]!.why!, words)
  using line = new Line({
    node: 'lb1',
    way: { from: cluster.address('lb2'), to: { address: cluster.address('lb1'), port: cluster.spec.port } },
    identity: () => identityOf(cluster.keys.get('lb2')!, new Date()),
    now: () => new Date(),
    sockets: 1,
  })
  const beat = line.send(
    `${REQUEST_PATH}cluster/heartbeat`,
    Buffer.from(JSON.stringify(far)),
    5_000,
    'heartbeat',
  )
  await assert.rejects(beat, { code: 'PEER_REFUSED', message: words })
})
