import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Traffic, type TrafficOptions } from './traffic.ts'
import { type WhoAnswer, webServer } from './web-server.ts'

async function listening(server: Server): Promise<{ address: string; port: number }> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { address: '127.0.0.1', port: (server.address() as AddressInfo).port }
}

/** sendTo: what traffic counts after at least `requests` requests to a server. */
async function sendTo(server: Server, options: Partial<TrafficOptions> = {}, requests = 20) {
  const traffic = new Traffic({ ...(await listening(server)), ratePerSecond: 1000, ...options })
  try {
    traffic.resume()
    while (traffic.counts().sent < requests) await delay(2)
    await traffic.pause()
    return traffic.counts()
  } finally {
    server.close()
  }
}

test('answers are counted by the name that a server gives, and add up', async () => {
  const counts = await sendTo(webServer('web07').server)
  assert.ok(counts.answered >= 20)
  assert.deepEqual(counts.perServer, { web07: counts.answered })
  assert.equal(counts.sent, counts.answered)
  assert.deepEqual([counts.failed, counts.open, counts.reasons], [0, 0, {}])
  assert.ok(counts.latencyMs!.p50 <= counts.latencyMs!.p99 && counts.latencyMs!.p99 <= counts.latencyMs!.max)
})

test('every request is a connection of its own', async () => {
  const server = webServer('web01').server
  let connections = 0
  server.on('connection', () => connections++)
  const counts = await sendTo(server)
  assert.equal(connections, counts.answered)
})

test('what nobody answers fails as ECONNREFUSED', async () => {
  const closed = createServer()
  const { address, port } = await listening(closed)
  closed.close()
  await once(closed, 'close')
  const traffic = new Traffic({ address, port, ratePerSecond: 1000 })
  traffic.resume()
  while (traffic.counts().failed < 5) await delay(2)
  await traffic.pause()
  const counts = traffic.counts()
  assert.deepEqual(
    [counts.answered, counts.reasons, counts.latencyMs],
    [0, { ECONNREFUSED: counts.failed }, undefined],
  )
})

test('the oldest open request is told until it is over', async () => {
  const sockets: { destroy(): void }[] = []
  const silent = createServer((socket) => sockets.push(socket))
  const traffic = new Traffic({ ...(await listening(silent)), ratePerSecond: 1000, timeoutMs: 60_000 })
  assert.equal(traffic.counts().oldestMs, 0)
  traffic.resume()
  while (traffic.counts().open < 5) await delay(2)
  const { oldestMs, elapsedMs } = traffic.counts()
  await delay(20)
  const later = traffic.counts()
  assert.ok(
    oldestMs <= elapsedMs && later.oldestMs >= oldestMs + 19,
    `${oldestMs}, then ${later.oldestMs} ms`,
  )
  while (sockets.length < 5) await delay(2)
  const over = traffic.pause()
  silent.close()
  while (traffic.counts().open > 0) {
    for (const socket of sockets) socket.destroy()
    await delay(2)
  }
  await over
  assert.equal(traffic.counts().oldestMs, 0)
})

test('a connection that is cut, an answer with another status and silence are failures, each by its reason', async () => {
  const cut = createServer((socket) => socket.on('data', () => socket.resetAndDestroy()))
  const beganAt = performance.timeOrigin + performance.now()
  const { reasons, failed, failedBegan } = await sendTo(cut)
  assert.deepEqual(Object.keys(reasons), ['ECONNRESET'])
  assert.equal(failedBegan.length, failed)
  for (const at of failedBegan) assert.ok(at >= beganAt && at <= performance.timeOrigin + performance.now())

  const half = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc'))
  assert.deepEqual(Object.keys((await sendTo(half)).reasons), ['ECONNRESET'])

  assert.deepEqual(Object.keys((await sendTo(webServer('web01').server, { path: '/nothing' })).reasons), [
    'status 404',
  ])

  const sockets: { destroy(): void }[] = []
  const silent = createServer((socket) => sockets.push(socket))
  const counts = await sendTo(silent, { timeoutMs: 30 })
  assert.deepEqual(counts.reasons, { timeout: counts.sent })
  for (const socket of sockets) socket.destroy()
})

test('no more than the allowed number of requests is open at once', async () => {
  let open = 0
  let most = 0
  const slow = createServer((socket) => {
    most = Math.max(most, ++open)
    const answer = () => {
      open--
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\na\n')
    }
    socket.on('data', () => setTimeout(answer, 20))
  })
  await sendTo(slow, { concurrency: 3 }, 12)
  assert.equal(most, 3)
})

test('the web server says who it is, who asks and how often it has answered, and stays connected', async () => {
  const server = webServer('web03').server
  const { port } = await listening(server)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = async (path: string) => {
    const [answer] = (await once(get({ host: '127.0.0.1', port, path, agent }), 'response')) as [
      IncomingMessage,
    ]
    return { status: answer.statusCode, body: await text(answer) }
  }
  let connections = 0
  server.on('connection', () => connections++)
  try {
    assert.deepEqual(await ask('/'), { status: 200, body: 'web03\n' })
    const who = JSON.parse((await ask('/who')).body) as WhoAnswer
    assert.deepEqual([who.server, who.service, who.answers], ['web03', `127.0.0.1:${port}`, 2])
    assert.match(who.client, /^127\.0\.0\.1:\d+$/)
    assert.equal((await ask('/else')).status, 404)
    assert.equal(connections, 1)
  } finally {
    agent.destroy()
    server.close()
  }
})
