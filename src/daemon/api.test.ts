import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, existsSync, linkSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { formatEndpoint, formatListener } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { ConfigError } from '../config/config-error.ts'
import { quietLog } from '../events/quiet-log.ts'
import { apiApp } from './api-app.ts'
import type { Operations } from './api-routes.ts'
import { errorSchema, orderSchema, traceSchema } from './api-schema.ts'
import { serveApi } from './api-server.ts'
import { noCluster } from './fake-cluster.ts'
import { openLog } from './log.ts'
import { noFlood } from './no-flood.fixture.ts'
import { noRevisions } from './no-revisions.fixture.ts'
import { version } from './version.ts'

let dir = ''
let logged: string[] = []
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'api-'))
  logged = []
})
afterEach(() => rmSync(dir, { recursive: true }))

const refuse = () => {
  throw new TenbinError('NOT_APPLIED', 'trace', { detail: 'waits for eth0' })
}
const operations: Operations = {
  revisions: noRevisions,
  events: quietLog(),
  recorder: () => undefined,
  captures: () => Promise.resolve({ captures: [] }),
  cluster: noCluster,
  notifications: { test: () => Promise.reject(new TenbinError('TARGET_UNKNOWN', 'notify test')) },
  flood: {
    answer: () => noFlood,
    order: (command) =>
      Promise.reject(
        new TenbinError('FLOOD_ORDER_REFUSED', command.kind, { detail: JSON.stringify(command) }),
      ),
  },
  failover: () => Promise.reject(new TenbinError('SET_UNKNOWN', 'failover')),
  maintain: () => Promise.reject(new TenbinError('ROLE_REFUSED', 'maintenance')),
  status: () => Promise.reject(new Error('secret insides')),
  trace: (client, listener, protocol) => ({
    client: formatEndpoint(client),
    listener: formatListener({ ...listener, protocol }),
    protocol,
    outcome: 'forwarded',
    steps: ['one'],
  }),
  listing: refuse,
  checks: ({ service, server }) =>
    Promise.resolve({ checks: [], more: Number(service) + Number(server ?? 0) }),
  order: (command, server, service) => {
    if (server === 'nobody') throw new TenbinError('SERVER_UNKNOWN', command.kind)
    if (service === 'nobody') throw new TenbinError('SERVICE_UNKNOWN', command.kind)
    if (service === 'busy') throw new TenbinError('ORDER_REFUSED', command.kind)
    return Promise.resolve({
      server,
      ...(service !== undefined && { service }),
      changed: true,
      kept: true,
      pools: [],
      notes: [JSON.stringify(command)],
    })
  },
  reload: () =>
    Promise.reject(
      new ConfigError('CONFIG_INVALID', 'reload', {
        findings: [{ file: 'a.yaml', line: 3, column: 7, message: 'no such server' }],
      }),
    ),
}

const app = () =>
  apiApp(
    operations,
    openLog({ level: 'info', pretty: false, colour: false, write: (line) => logged.push(line) }),
  )

interface Answer {
  readonly status: number
  readonly body: string
}

function ask(socketPath: string, method: string, path: string, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, headers: { host: 'tenbin' } }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (part: string) => {
        text += part
      })
      answer.on('end', () => resolve({ status: answer.statusCode!, body: text }))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

async function withServer(run: (path: string) => Promise<void>): Promise<void> {
  const path = join(dir, 'api.sock')
  const server = await serveApi(path, app())
  try {
    await run(path)
  } finally {
    await server.close()
  }
  assert.equal(existsSync(path), false, 'the socket is gone after close')
}

const errorOf = (answer: Answer) => errorSchema.parse(JSON.parse(answer.body)).error

test('requests over the socket are answered by their route', () =>
  withServer(async (path) => {
    assert.equal(statSync(path).mode & 0o777, 0o600)
    const asked = await ask(path, 'GET', '/v1/version')
    assert.equal(asked.status, 200)
    assert.deepEqual(JSON.parse(asked.body), { name: 'tenbin', version, api: 'v1', pid: process.pid })
    const trace = await ask(path, 'GET', '/v1/trace?client=%5B::9%5D:5&listener=%5B2001:db8::1%5D:80')
    assert.equal(traceSchema.parse(JSON.parse(trace.body)).listener, '[2001:db8::1]:80')
    const dns = await ask(path, 'GET', '/v1/trace?client=[::9]:5&listener=[2001:db8::1]:53&protocol=udp')
    assert.equal(traceSchema.parse(JSON.parse(dns.body)).listener, '[2001:db8::1]:53/udp')
  }))

test('commands about servers are read with their deadline and weight', () =>
  withServer(async (path) => {
    for (const [target, command] of [
      ['drain?server=web01&deadline=10m', { kind: 'drain', deadlineMs: 600_000 }],
      ['drain?server=web01', { kind: 'drain' }],
      ['weight?server=web01&weight=0&service=www', { kind: 'weight', weight: 0 }],
      ['disable?server=web01', { kind: 'disable' }],
    ] as const) {
      const answer = await ask(path, 'POST', `/v1/${target}`)
      assert.equal(answer.status, 200, answer.body)
      assert.deepEqual(orderSchema.parse(JSON.parse(answer.body)).notes, [JSON.stringify(command)])
    }
  }))

test('what is asked wrongly is answered with code and remedy', () =>
  withServer(async (path) => {
    for (const [method, target, status, code] of [
      ['GET', '/v1/trace?client=192.0.2.9:5', 400, 'REQUEST_INVALID'],
      ['GET', '/v1/trace?client=192.0.2.9&listener=192.0.2.1:80', 400, 'REQUEST_INVALID'],
      [
        'GET',
        '/v1/trace?client=192.0.2.9:5&client=192.0.2.9:6&listener=192.0.2.1:80',
        400,
        'REQUEST_INVALID',
      ],
      ['GET', '/v1/trace?client=192.0.2.9:5&listener=[::1]:53', 400, 'REQUEST_INVALID'],
      ['GET', '/v1/trace?client=[::9]:5&listener=[::1]:53&protocol=icmp', 400, 'REQUEST_INVALID'],
      ['GET', '/v1/version?verbose=1', 400, 'REQUEST_INVALID'],
      ['GET', '/v1/checks', 400, 'REQUEST_INVALID'],
      ['GET', '/v2/version', 404, 'ROUTE_UNKNOWN'],
      ['GET', '/v1/reload', 404, 'ROUTE_UNKNOWN'],
      ['GET', '/v1/listing', 409, 'NOT_APPLIED'],
      ['POST', '/v1/drain', 400, 'REQUEST_INVALID'],
      ['POST', '/v1/drain?server=web01&deadline=10', 400, 'REQUEST_INVALID'],
      ['POST', '/v1/drain?server=', 400, 'REQUEST_INVALID'],
      ['POST', '/v1/undrain?server=web01&deadline=10m', 400, 'REQUEST_INVALID'],
      ['POST', '/v1/weight?server=web01', 400, 'REQUEST_INVALID'],
      ['POST', '/v1/weight?server=web01&weight=1.5', 400, 'REQUEST_INVALID'],
      ['POST', '/v1/weight?server=web01&weight=65536', 400, 'REQUEST_INVALID'],
      ['GET', '/v1/drain?server=web01', 404, 'ROUTE_UNKNOWN'],
      ['POST', '/v1/disable?server=nobody', 404, 'SERVER_UNKNOWN'],
      ['POST', '/v1/enable?server=web01&service=nobody', 404, 'SERVICE_UNKNOWN'],
      ['POST', '/v1/undrain?server=web01&service=busy', 409, 'ORDER_REFUSED'],
      ['POST', '/v1/notify/test?target=nobody', 404, 'TARGET_UNKNOWN'],
      ['POST', '/v1/notify/test?target=', 400, 'REQUEST_INVALID'],
      ['POST', '/v1/reload', 422, 'CONFIG_INVALID'],
    ] as const) {
      const answer = await ask(path, method, target)
      assert.equal(answer.status, status, target)
      const error = errorOf(answer)
      assert.equal(error.code, code)
      assert.ok(error.remedy.length > 0)
    }
  }))

test('findings of the file travel with their places', () =>
  withServer(async (path) => {
    const error = errorOf(await ask(path, 'POST', '/v1/reload'))
    assert.deepEqual(
      error.problems?.map(({ file, line, column }) => [file, line, column]),
      [['a.yaml', 3, 7]],
    )
  }))

test('a body that is too large is refused', () =>
  withServer(async (path) => {
    const answer = await ask(path, 'POST', '/v1/reload', 'x'.repeat(65 * 1024))
    assert.equal(answer.status, 413)
    assert.equal(errorOf(answer).code, 'REQUEST_TOO_LARGE')
  }))

test('connections that never end their request are ended, and others get in again', { timeout: 15_000 }, () =>
  withServer(async (path) => {
    const idle = Array.from({ length: 64 }, () => connect(path))
    const ended = idle.map((socket) => once(socket.on('error', () => undefined).resume(), 'close'))
    for (const socket of idle) socket.write('GET /v1/ver')
    await Promise.all(ended)
    assert.equal((await ask(path, 'GET', '/v1/version')).status, 200)
  }),
)

test('a bug is answered without its insides, which go to the log', () =>
  withServer(async (path) => {
    const answer = await ask(path, 'GET', '/v1/status')
    assert.equal(answer.status, 500)
    assert.equal(errorOf(answer).code, 'BUG')
    assert.doesNotMatch(answer.body, /secret insides/)
    assert.match(logged.join(''), /secret insides/)
  }))

test('a socket that a dead daemon left is replaced, one that answers is not', async () => {
  const path = join(dir, 'api.sock')
  const dead = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => dead.listen(path, resolve))
  await assert.rejects(serveApi(path, app()), (e) => e instanceof TenbinError && e.code === 'DAEMON_RUNNING')
  // Closing unlinks the name that was bound; a second name for it stays, and nobody serves it.
  const left = join(dir, 'left.sock')
  linkSync(path, left)
  await new Promise((resolve) => dead.close(resolve))
  assert.ok(statSync(left).isSocket())
  const server = await serveApi(left, app())
  assert.equal((await ask(left, 'GET', '/v1/version')).status, 200)
  await server.close()
})

test('a path that is no socket is never touched', async () => {
  const path = join(dir, 'precious')
  writeFileSync(path, 'data')
  chmodSync(path, 0o600)
  await assert.rejects(
    serveApi(path, app()),
    (e) => e instanceof TenbinError && e.code === 'SOCKET_PATH_INVALID',
  )
  assert.equal(statSync(path).size, 4)
})

test('a HEAD request to what goes on opens nothing that nobody would end', async () => {
  const asked = app()
  for (let i = 0; i < 20; i++)
    assert.equal((await asked.request('/v1/events/stream', { method: 'HEAD' })).status, 200)
  const { status, body } = await asked.request('/v1/events/stream')
  assert.equal(status, 200)
  await body?.cancel()
})
