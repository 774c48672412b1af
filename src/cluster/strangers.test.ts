import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { formatIp } from '../base/addresses.ts'
import { meet, TestCluster, until } from './cluster.fixture.ts'
import type { Cluster } from './cluster.ts'
import { JOIN_PATH } from './reception.ts'
import { openTls } from './tls-client.ts'

/** STRANGERS: how many come, TENBIN_STRANGERS=10000 for the long version. */
const STRANGERS = Number(process.env.TENBIN_STRANGERS ?? 2_000)

// What they wait for is time, so they wait together.
/** As a daemon's. */
const RHYTHM = { lostMs: 5_000 }

describe('at the port', { concurrency: true }, () => {
  test(`${STRANGERS} connections of strangers keep no peer waiting`, async () => {
    using cluster = await TestCluster.of(['lb1', 'lb2'])
    const [one, two] = ['lb1', 'lb2'].map((name) => cluster.start(name, RHYTHM)) as [Cluster, Cluster]
    await meet(one, two)
    one.handle('echo', async (_, body) => body)
    let isLost = false
    for (const node of [one, two]) node.onChange(() => (isLost ||= node.nodes()[0]?.state !== 'connected'))
    let isOver = false
    const delays: number[] = []
    const asking = (async () => {
      while (!isOver) {
        const began = performance.now()
        await two.request('lb1', 'echo', Buffer.alloc(64), 5_000)
        delays.push(performance.now() - began)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    })()
    const host = formatIp(cluster.address('lb1'))
    const knock = () =>
      new Promise<void>((resolve) => {
        const socket = connect({ host, port: cluster.spec.port, localAddress: '127.0.0.1' })
        socket.on('error', () => undefined).once('close', () => resolve())
      })
    for (let sent = 0; sent < STRANGERS; sent += 200) await Promise.all(Array.from({ length: 200 }, knock))
    isOver = true
    await asking
    assert.equal(one.standing().turned.strangers, STRANGERS)
    assert.ok(!isLost, 'no heartbeat was missed')
    // Both daemons and the strangers are this one process: its own work is in it too.
    const worst = Math.max(...delays)
    assert.ok(
      delays.length > 10 && worst < RHYTHM.lostMs,
      `${delays.length} requests, the slowest ${worst} ms`,
    )
  })

  test('whoever has a node’s address, but nothing to show, holds no more than the places of that node', async () => {
    using cluster = await TestCluster.of(['lb1', 'lb2'])
    const one = cluster.start('lb1')
    const [host, localAddress] = [formatIp(cluster.address('lb1')), formatIp(cluster.address('lb2'))]
    const sockets = Array.from({ length: 60 }, () => {
      const socket = connect({ host, port: cluster.spec.port, localAddress })
      return socket.on('error', () => undefined)
    })
    await until(
      () => one.standing().turned.tooMany === 44,
      () => one.standing(),
    )
    // Silence is not borne for longer than a handshake takes.
    await until(() => sockets.every((socket) => socket.destroyed || socket.readyState === 'closed'))
  })

  test('who is in and asks nothing, or does not end its question, is not waited for', async () => {
    using cluster = await TestCluster.of(['lb1', 'lb2'])
    cluster.start('lb1')
    const way = {
      from: cluster.address('lb2'),
      to: { address: cluster.address('lb1'), port: cluster.spec.port },
    }
    const nothing = openTls(way)
    const half = openTls(way)
    half.once('secureConnect', () => half.write(`POST ${JOIN_PATH} HTTP/1.1\r\nhost: x\r\n`))
    const sockets = [nothing, half].map((socket) => socket.on('error', () => undefined).resume())
    await until(() => sockets.every(({ destroyed }) => destroyed))
  })

  test('an address that cannot be had is named, and tried again', async () => {
    using cluster = await TestCluster.of(['lb1', 'lb2'])
    const first = cluster.start('lb1')
    const second = cluster.start('lb1')
    await until(() => second.faults().length > 0)
    assert.equal(second.faults()[0]!.code, 'CLUSTER_UNHEARD')
    assert.match(second.faults()[0]!.message, /cannot reach this one at .*: another process has it/)
    first[Symbol.dispose]()
    await until(() => second.faults().length === 0)
  })
})
