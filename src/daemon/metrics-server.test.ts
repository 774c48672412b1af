import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { parseIp } from '../base/addresses.ts'
import { formatFor, MetricsServer } from './metrics-server.ts'

let port = 0
let server: MetricsServer
let rendered: string[] = []
beforeEach(async () => {
  rendered = []
  server = new MetricsServer({
    render: async (format) => {
      rendered.push(format)
      return `of ${format}\n`
    },
    onBug: (error) => rendered.push(String(error)),
  })
  port = await freePort()
})
afterEach(() => server[Symbol.dispose]())

const at = (host = '127.0.0.1') => ({ address: parseIp(host), port })

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return port
}

interface Answer {
  readonly status: number
  readonly type: string | undefined
  readonly body: string
}

function ask(path = '/metrics', method = 'GET', accept?: string, host = '127.0.0.1'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = accept === undefined ? {} : { accept }
    const sent = request({ host, port, path, method, headers, agent: false }, (answer) => {
      let body = ''
      answer.setEncoding('utf8').on('data', (part: string) => (body += part))
      answer.on('end', () =>
        resolve({ status: answer.statusCode!, type: answer.headers['content-type'], body }),
      )
    })
    sent.on('error', reject).end()
  })
}

async function until(is: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; !(await is()); tries++) {
    assert.ok(tries < 400, what)
    await delay(20)
  }
}

const answers = () =>
  ask().then(
    () => true,
    () => false,
  )

test('metrics are at /metrics, by GET and HEAD, and nowhere else', async () => {
  server.listen(at())
  await until(answers, 'it answers')
  assert.deepEqual(await ask('/metrics?x=1'), {
    status: 200,
    type: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
    body: 'of openmetrics\n',
  })
  assert.deepEqual([(await ask('/metrics', 'HEAD')).status, (await ask('/metrics', 'HEAD')).body], [200, ''])
  for (const path of ['/', '/metrics/', '/v1/status', '/../metrics', '*'])
    assert.equal((await ask(path)).status, 404, path)
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
    assert.equal((await ask('/metrics', method)).status, 405, method)
  assert.equal((await ask('/metrics', 'GET', 'text/plain')).body, 'of text\n')
  assert.deepEqual(rendered, ['openmetrics', 'text'], 'who asks within a moment gets the same')
})

test('a reader of only the older text format gets that, all others OpenMetrics', () => {
  assert.equal(formatFor(undefined), 'openmetrics')
  assert.equal(formatFor('*/*'), 'openmetrics')
  assert.equal(formatFor('text/plain;version=0.0.4;q=0.5'), 'text')
  assert.equal(
    formatFor('application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'),
    'openmetrics',
  )
})

test('a bug in what makes them is told, and answered as one', async () => {
  server[Symbol.dispose]()
  server = new MetricsServer({
    render: () => Promise.reject(new Error('insides')),
    onBug: (error) => rendered.push(String(error)),
  })
  server.listen(at())
  await until(answers, 'it answers')
  const { status, body } = await ask()
  assert.deepEqual([status, body.includes('insides')], [500, false])
  assert.ok(rendered.includes('Error: insides'))
})

test('headers that are too long, or never end, are not waited for; connections are bounded, and others go on', async () => {
  server.listen(at())
  await until(answers, 'it answers')
  const long = connect(port, '127.0.0.1')
  long.on('error', () => {})
  long.write(`GET /metrics HTTP/1.1\r\nx: ${'y'.repeat(8000)}\r\n\r\n`)
  const [said] = (await once(long, 'data')) as [Buffer]
  assert.match(said.toString(), /^HTTP\/1\.1 431 /)
  const sockets = await Promise.all(
    Array.from({ length: 24 }, async (): Promise<Socket> => {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      socket.write('GET /metrics HTTP/1.1\r\nx: ')
      await once(socket, 'connect')
      return socket
    }),
  )
  const open = () => sockets.filter(({ destroyed, readableEnded }) => !destroyed && !readableEnded).length
  for (const socket of sockets) socket.resume()
  await until(() => open() <= 16, 'those that are too many are closed')
  await until(() => open() === 0, 'and the others when their headers have not come in time')
  assert.equal((await ask()).status, 200)
})

test('a connection has one answer, so that requests without end do not fill the memory with them', async () => {
  server.listen(at())
  await until(answers, 'it answers')
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write('GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(1_000))
  let said = ''
  socket.setEncoding('latin1').on('data', (text: string) => (said += text))
  await once(socket, 'close')
  assert.equal(said.split('of openmetrics\n').length - 1, 1)
})

test('a port that somebody has is a problem until it is free, an address that is not there likewise', async () => {
  const other = createServer().listen(port, '127.0.0.1')
  await once(other, 'listening')
  server.listen(at())
  await until(() => server.problems().length === 1, 'it is a problem')
  const { code, message } = server.problems()[0]!
  assert.deepEqual(
    [code, message],
    ['METRICS_UNHEARD', `metrics cannot be read at 127.0.0.1:${port}: another process has it`],
  )
  other.close()
  await until(() => server.problems().length === 0, 'it is over')
  await until(answers, 'it answers')
  server.listen(at('192.0.2.1'))
  await until(() => server.problems().length === 1, 'it is a problem')
  assert.match(server.problems()[0]!.message, /the address is not on this machine$/)
})

test('another address counts at once, none ends it, the same changes nothing', async () => {
  server.listen(at())
  await until(answers, 'it answers')
  const kept = connect(port, '127.0.0.1')
  await once(kept, 'connect')
  server.listen(at())
  await delay(20)
  assert.ok(!kept.destroyed && (await answers()))
  const before = port
  port = await freePort()
  server.listen(at())
  kept.resume()
  await once(kept, 'close')
  await until(answers, 'it answers at the other')
  server.listen(undefined)
  assert.equal(await answers(), false)
  port = before
  assert.equal(await answers(), false)
  assert.deepEqual(server.problems(), [])
})

test('IPv6 addresses are listened at as well', async () => {
  server.listen(at('::1'))
  await until(
    () =>
      ask('/metrics', 'GET', undefined, '::1').then(
        () => true,
        () => false,
      ),
    'it answers',
  )
})
