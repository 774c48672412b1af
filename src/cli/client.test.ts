import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { formatEndpoint, formatListener } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { apiApp } from '../daemon/api-app.ts'
import type { Operations } from '../daemon/api-routes.ts'
import type { OrderAnswer, Status } from '../daemon/api-schema.ts'
import { serveApi } from '../daemon/api-server.ts'
import { noCluster } from '../daemon/fake-cluster.ts'
import { openLog } from '../daemon/log.ts'
import { noFlood } from '../daemon/no-flood.fixture.ts'
import { noRevisions } from '../daemon/no-revisions.fixture.ts'
import { quietLog } from '../events/quiet-log.ts'
import { capture } from './captured.ts'
import { status } from './client.fixture.ts'

let dir = ''
before(() => {
  dir = mkdtempSync(join(tmpdir(), 'client-'))
})
after(() => rmSync(dir, { recursive: true }))

const operations = (change: Partial<Operations>): Operations => ({
  events: quietLog(),
  recorder: () => undefined,
  captures: () => Promise.resolve({ captures: [] }),
  cluster: noCluster,
  notifications: { test: () => Promise.reject(new Error('not asked here')) },
  flood: { answer: () => noFlood, order: () => Promise.reject(new Error('not asked here')) },
  failover: () => Promise.reject(new Error('not asked here')),
  maintain: () => Promise.reject(new Error('not asked here')),
  status: () => Promise.resolve(status),
  trace: (client, listener, protocol) => ({
    client: formatEndpoint(client),
    listener: formatListener({ ...listener, protocol }),
    protocol,
    outcome: listener.port === 80 ? 'forwarded' : 'no-listener',
    ...(listener.port === 80 && { server: 'web01', mac: '02:00:0a:00:00:0b' }),
    steps: ['first', 'second'],
  }),
  listing: () => ({ generation: 3, lines: ['; packet-path.ts:1', '    0 r0 = 1'] }),
  reload: () => Promise.reject(new Error('not asked here')),
  revisions: noRevisions,
  checks: () => Promise.reject(new Error('not asked here')),
  order: () => Promise.reject(new Error('not asked here')),
  ...change,
})

async function withDaemon(
  change: Partial<Operations>,
  run: (socket: string) => Promise<void>,
): Promise<void> {
  const socket = join(dir, 'api.sock')
  const log = openLog({ level: 'error', pretty: false, colour: false, write: () => undefined })
  const server = await serveApi(socket, apiApp(operations(change), log))
  try {
    await run(socket)
  } finally {
    await server.close()
  }
}

async function withServer(listener: RequestListener, run: (socket: string) => Promise<void>): Promise<void> {
  const socket = join(dir, 'other.sock')
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  try {
    await run(socket)
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

test('status off a terminal is everything, aligned, and names every server that gets nothing', () =>
  withDaemon({}, async (socket) => {
    const { code, out } = await capture(['status', '--socket', socket])
    assert.equal(code, 0)
    for (const line of out.split('\n')) assert.doesNotMatch(line, / $/)
    assert.match(out, /^tenbin 0\.1\.0: node lb1, forwarding, active, up \S+, generation 3\n/)
    assert.match(out, /\ninterface +eth0, 02:00:0a:00:00:02, MTU 1500, up, native XDP\n/)
    assert.match(out, /\nprogram +id 42, generation 3, 383 instructions, loaded in 12.3 ms\n/)
    assert.match(out, /\ninterface +eth1, 02:00:0a:00:01:02, MTU 9000, down, generic XDP\n/)
    assert.match(out, /\nprogram +id 43, generation 3, 390 instructions, loaded in 11.0 ms\n/)
    assert.match(out, /\naddress +10\.0\.0\.101\/24, missing\n/)
    assert.match(
      out,
      /\nwww +10\.0\.0\.100:80, 10\.0\.0\.100:443 +1\/2 +~1,234 +- +- +1,234,567,890 +123 MB +1 down\n/,
    )
    assert.match(
      out,
      /\nweb02 +10\.0\.0\.12 +unreachable +0\.0 % +~0 +- +- +0 +neighbour FAILED: no answer to ARP\n/,
    )
    assert.match(out, /\nservers +2: 1 up, 1 unreachable\n/)
    assert.match(out, /\nflows +1,234 of 262,144 records: 1,200 established, 30 SYN only, 4 closed\n/)
    assert.match(out, /\nin all +1\.2 MB\n/)
    assert.match(
      out,
      /\npackets +10 forwarded, 5 asked for proof, 2 answered by a RST, 7 left to the kernel, 3 dropped\n/,
    )
    assert.match(out, /\nno-server +3 +for a listener that has no usable server\n/)
    assert.match(out, /\nflow-hit +12 +a packet whose flow has a record\n/)
    assert.doesNotMatch(out, /\nttl |flow-capped/)
    assert.ok(!out.includes('\x1b'))
  }))

test('on a terminal status is coloured', () =>
  withDaemon({}, async (socket) => {
    const { out } = await capture(['status', '--socket', socket], true)
    assert.ok(out.includes('\x1b[32mforwarding\x1b[0m'))
  }))

test('status --json is what the daemon said', () =>
  withDaemon({}, async (socket) => {
    assert.deepEqual(JSON.parse((await capture(['status', '--socket', socket, '--json'])).out), status)
  }))

test('status --check of a daemon that does not answer is UNKNOWN after its time', () =>
  withServer(
    () => undefined,
    async (socket) => {
      const { code, out } = await capture(['status', '--check', '--socket', socket, '--timeout', '200ms'])
      assert.equal(code, 3)
      assert.match(out, /^TENBIN UNKNOWN - [^\n]*no answer within 0\.2 s\n$/)
      const wrong = await capture(['status', '--check', '--socket', socket, '--timeout', '5'])
      assert.deepEqual([wrong.code, /--timeout: "5" has no unit/.test(wrong.err)], [2, true])
    },
  ))

test('status of a service or a server asks for its checks; a name that is none ends with 1', async () => {
  const asked: unknown[] = []
  const checks: Operations['checks'] = (filter) => {
    asked.push(filter)
    return Promise.resolve({ checks: [], more: 0 })
  }
  await withDaemon({ checks }, async (socket) => {
    const of = (name: string, ...words: string[]) => capture(['status', name, '--socket', socket, ...words])
    const server = await of('web02')
    assert.equal(server.code, 0)
    assert.match(server.out, /\nweb02 +10\.0\.0\.12 +unreachable/)
    assert.doesNotMatch(server.out, /\nweb01/)
    assert.match((await of('www')).out, /\nweb01/)
    const part = JSON.parse((await of('www', '--json')).out) as { checks: unknown[]; services: unknown[] }
    assert.deepEqual([part.checks, part.services.length], [[], 1])
    const none = await of('web2')
    assert.equal(none.code, 1)
    assert.match(
      none.err,
      /^tenbin: status web2: no service and no server is called web2, did you mean "web02"|web2/,
    )
    assert.match((await of('www', '--check')).err, /--check takes no name: write --service www/)
  })
  assert.deepEqual(asked, [{ server: 'web02' }, { service: 'www' }, { service: 'www' }])
})

test('status --check is a Nagios plugin: one line and its exit code, whatever happens', () =>
  withDaemon({}, async (socket) => {
    const check = (...words: string[]) => capture(['status', '--check', ...words])
    const warned = await check('--socket', socket)
    assert.equal(warned.code, 1)
    assert.match(
      warned.out,
      /^TENBIN WARNING - 1 service, 1 of 2 servers up; web02 down: neighbour FAILED: [^|]* \| servers_up=1;;;0;2 [^\n]*\n$/,
    )
    const unknown = await check('--socket', join(dir, 'nobody.sock'))
    assert.deepEqual([unknown.code, unknown.err], [3, ''])
    assert.match(unknown.out, /^TENBIN UNKNOWN - [^\n]*nobody answers at [^\n]*\n$/)
    const nowhere = await check('--instance', 'No!')
    assert.deepEqual([nowhere.code, nowhere.err], [3, ''])
    const none = await check('--socket', socket, '--service', 'shop', '--json')
    assert.deepEqual([none.code, (JSON.parse(none.out) as { state: string }).state], [3, 'UNKNOWN'])
    const { code, err } = await capture(['status', '--service', 'www', '--socket', socket])
    assert.equal(code, 2)
    assert.match(err, /--service goes with --check/)
  }))

test('status of a daemon that waits says for what, and ends with 1', () => {
  const { program: _1, node: _2, flows: _3, ...rest } = status
  const waiting: Status = {
    ...rest,
    state: 'waiting',
    interfaces: [],
    services: [],
    servers: [],
    pools: [],
    problems: [{ code: 'INTERFACE_MISSING', message: 'no interface eth7', remedy: 'make it appear' }],
    lastReload: { at: '2024-01-02T03:04:07.000Z', done: false, problems: [] },
  }
  return withDaemon({ status: () => Promise.resolve(waiting) }, async (socket) => {
    const { code, out } = await capture(['status', '--socket', socket])
    assert.equal(code, 1)
    assert.match(out, /^tenbin 0\.1\.0: waiting, up \S+\n/)
    assert.match(out, /\nproblem {2}no interface eth7\n +make it appear\n/)
    assert.match(out, /\nreload +refused/)
    assert.doesNotMatch(out, /SERVICE/)
  })
})

test('status says how many clients are kept with a server, of a service that does so, and in all', () => {
  const [www] = status.services
  const persistence = { timeout: 600, network: 32, network6: 128, networks: 1_012 }
  const keeping = {
    ...status,
    services: [{ ...www!, track: 'all' as const, persistence }],
    flows: { ...status.flows!, networks: 1_012 },
  }
  return withDaemon({ status: () => Promise.resolve(keeping) }, async (socket) => {
    const { out } = await capture(['status', '--socket', socket])
    assert.match(out, /\nSERVICE .*CLIENTS\nwww +10\.0\.0\.100:80.* 1,012 +1 down\n/)
    assert.match(out, /4 closed, 1,012 of clients kept with a server\n/)
  })
})

test('trace prints the answer and every step, and ends with 1 where nothing is forwarded', () =>
  withDaemon({}, async (socket) => {
    const forwarded = await capture(['trace', '203.0.113.9:5', '10.0.0.100:80', '--socket', socket])
    assert.equal(forwarded.code, 0)
    assert.equal(
      forwarded.out,
      '203.0.113.9:5 to 10.0.0.100:80: web01 (02:00:0a:00:00:0b)\n  1. first\n  2. second\n',
    )
    const six = ['trace', '[2001:db8::9]:5', '[2001:db8::10]:80/udp', '--socket', socket]
    assert.match((await capture(six)).out, /^\[2001:db8::9\]:5 to \[2001:db8::10\]:80\/udp: web01 /)
    const passed = await capture(['trace', '203.0.113.9:5', '10.0.0.100:81', '--socket', socket, '--json'])
    assert.equal(passed.code, 1)
    assert.equal((JSON.parse(passed.out) as { outcome: string }).outcome, 'no-listener')
  }))

test('trace tells who takes new flows, who had the slot before, and the record, where they say more', () =>
  withDaemon(
    {
      trace: (client, listener, protocol) => ({
        client: formatEndpoint(client),
        listener: formatListener({ ...listener, protocol }),
        protocol,
        outcome: 'forwarded',
        current: 'web02',
        settled: 'web01',
        record: { server: 'web01', state: 'established', ageS: 72.4 },
        server: 'web01',
        mac: '02:00:0a:00:00:0b',
        steps: ['one'],
      }),
    },
    async (socket) => {
      const { out } = await capture(['trace', '203.0.113.9:5', '10.0.0.100:80', '--socket', socket])
      assert.deepEqual(out.trimEnd().split('\n').slice(1), [
        '     new flows  web02',
        '     before     web01, until the slot changed hands lately',
        '     record     web01, established, last seen 1m12s ago',
        '  1. one',
      ])
    },
  ))

test('trace says with whom the client is kept: its new flows go there', () =>
  withDaemon(
    {
      trace: (client, listener, protocol) => ({
        client: formatEndpoint(client),
        listener: formatListener({ ...listener, protocol }),
        protocol,
        outcome: 'forwarded',
        current: 'web02',
        network: { network: '203.0.113.0/24', server: 'web03', leftS: 480.2 },
        server: 'web01',
        mac: '02:00:0a:00:00:0b',
        steps: ['one'],
      }),
    },
    async (socket) => {
      const { out } = await capture(['trace', '203.0.113.9:5', '10.0.0.100:80', '--socket', socket])
      assert.deepEqual(out.trimEnd().split('\n').slice(1), [
        '     new flows  web03',
        '     client     203.0.113.0/24 is kept with web03 for 481 s more',
        '  1. one',
      ])
    },
  ))

/** answered: what the API answers to a command about web03. */
const answered = (change: Partial<OrderAnswer> = {}): OrderAnswer => ({
  server: 'web03',
  changed: true,
  kept: true,
  pools: [{ name: 'www', services: ['www', 'api'], order: 'drained', weight: 0, configured: 3, slots: 2047 }],
  notes: [],
  ...change,
})

test('commands about servers ask with their words and tell what happened, pool by pool, with notes', async () => {
  const asked: unknown[] = []
  const order: Operations['order'] = (command, server, service) => {
    asked.push([command, server, ...(service === undefined ? [] : [service])])
    return Promise.resolve(answered({ notes: ['mind this'] }))
  }
  await withDaemon({ order }, async (socket) => {
    const said = async (line: string) => {
      const { code, out } = await capture([...line.split(' '), '--socket', socket])
      assert.equal(code, 0, line)
      return out.split('\n')
    }
    assert.deepEqual(await said('drain web03 --service www --deadline 90s'), [
      'web03 drains: no new flows go to it, those it has stay',
      '  pool www (www, api): 2,047 slots changed hands, weight 0 of 3',
      '  note: mind this',
      '',
    ])
    assert.match((await said('undrain web03'))[0]!, /^web03 gets new flows again$/)
    assert.match((await said('weight web03 2'))[0]!, /^web03 has weight 0$/)
    assert.match((await said('disable web03'))[0]!, /^web03 is out/)
    assert.match((await said('enable web03'))[0]!, /^web03 is back/)
    assert.deepEqual(JSON.parse((await said('enable web03 --json'))[0]!), answered({ notes: ['mind this'] }))
  })
  assert.deepEqual(asked.slice(0, 5), [
    [{ kind: 'drain', deadlineMs: 90_000 }, 'web03', 'www'],
    [{ kind: 'undrain' }, 'web03'],
    [{ kind: 'weight', weight: 2 }, 'web03'],
    [{ kind: 'disable' }, 'web03'],
    [{ kind: 'enable' }, 'web03'],
  ])
})

test('a command that changes nothing says only why, a deadline its time, and a refusal ends with 1', () =>
  withDaemon(
    {
      order: (command) => {
        if (command.kind === 'enable')
          throw new TenbinError('ORDER_REFUSED', 'enable web03', { detail: 'web03 is drained' })
        const isDrain = command.kind === 'drain'
        return Promise.resolve(
          isDrain
            ? answered({ deadline: '2024-01-02T03:04:05.000Z' })
            : answered({ changed: false, notes: ['web03 is not drained'] }),
        )
      },
    },
    async (socket) => {
      const at = new Date('2024-01-02T03:04:05.000Z').toTimeString().slice(0, 8)
      const drained = await capture(['drain', 'web03', '--socket', socket])
      assert.match(drained.out, new RegExp(`those it has stay until ${at}\n`))
      assert.equal((await capture(['undrain', 'web03', '--socket', socket])).out, 'web03 is not drained\n')
      const refused = await capture(['enable', 'web03', '--socket', socket])
      assert.equal(refused.code, 1)
      assert.match(refused.err, /^tenbin: enable web03: web03 is drained\n {2}remedy: /)
    },
  ))

test('what the daemon refuses is told in its words', () =>
  withDaemon(
    {
      listing: () => {
        throw new TenbinError('NOT_APPLIED', 'list the program', { detail: 'waits for eth0' })
      },
    },
    async (socket) => {
      const listing = await capture(['debug', 'listing', '--socket', socket])
      assert.equal(listing.code, 1)
      assert.equal(
        listing.err,
        'tenbin: list the program: waits for eth0\n  remedy: ask `tenbin status` what the daemon waits for\n',
      )
      const json = await capture(['debug', 'listing', '--socket', socket, '--json'])
      assert.equal((JSON.parse(json.out) as { error: { code: string } }).error.code, 'NOT_APPLIED')
      assert.equal(json.err, '')
    },
  ))

test('debug listing prints the program that runs', () =>
  withDaemon({}, async (socket) => {
    const { code, out } = await capture(['debug', 'listing', '--socket', socket])
    assert.equal(code, 0)
    assert.equal(out, '; packet-path.ts:1\n    0 r0 = 1\n')
  }))

test('with nobody at the socket every question ends with 3 and DAEMON_ABSENT', async () => {
  const socket = join(dir, 'nobody.sock')
  const plain = join(dir, 'plain')
  writeFileSync(plain, '')
  for (const line of ['trace 192.0.2.1:1 192.0.2.2:2', 'debug listing']) {
    for (const path of [socket, plain, join(plain, 'below')]) {
      const { code, err } = await capture([...line.split(' '), '--socket', path])
      assert.equal(code, 3, `${line} at ${path}`)
      assert.match(err, /^tenbin: ask the daemon: nobody answers at .*\n {2}remedy: start it/)
    }
    const { out } = await capture([...line.split(' '), '--socket', socket, '--json'])
    assert.equal((JSON.parse(out) as { error: { code: string } }).error.code, 'DAEMON_ABSENT')
  }
})

test('an answer that is none of the API ends with 1 and DAEMON_ANSWER', async () => {
  const answers: readonly RequestListener[] = [
    (_, response) => response.end('hello'),
    (_, response) => response.end('{}'),
    (_, response) => response.writeHead(500).end('{}'),
    (_, response) => response.writeHead(200, { 'content-length': '100' }).end('short'),
    (_, response) => response.destroy(),
  ]
  for (const answer of answers) {
    await withServer(answer, async (socket) => {
      const { code, out } = await capture(['status', '--socket', socket, '--json'])
      assert.equal(code, 1)
      assert.equal((JSON.parse(out) as { error: { code: string } }).error.code, 'DAEMON_ANSWER')
    })
  }
})
