// tenbin capture against a daemon's API with a recorder that a test fills.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { apiApp } from '../daemon/api-app.ts'
import type { CapturesAnswer } from '../daemon/api-capture.ts'
import type { Operations } from '../daemon/api-routes.ts'
import { type ApiServer, serveApi } from '../daemon/api-server.ts'
import { openLog } from '../daemon/log.ts'
import { FakeRecorder } from '../engine/fake-recorder.ts'
import type { Cursor, RecordedPacket } from '../engine/recorded.ts'
import { ether, ipv4, packet, tcp } from '../wire/packet.ts'
import { tcpFlag } from '../wire/tcp.ts'
import { capture } from './captured.ts'
import { blocksOf } from './pcapng.fixture.ts'

/** AskedRecorder: it counts how many readers began with what comes, how often it was asked for packets, and what it gave. */
class AskedRecorder extends FakeRecorder {
  begun = 0
  asked = 0
  given = 0

  override since(...args: Parameters<FakeRecorder['since']>): ReturnType<FakeRecorder['since']> {
    const recorded = super.since(...args)
    this.asked++
    this.given += recorded.packets.length
    return recorded
  }

  override end(): Cursor {
    this.begun++
    return super.end()
  }
}

async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 20_000; !(await isSo()); await delay(5)) assert.ok(Date.now() < end, what)
}

let dir: string
let socket: string
let server: ApiServer
let recorder: AskedRecorder
let isOn: boolean
let kept: CapturesAnswer['captures']

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'cli-capture-'))
  socket = join(dir, 'api.sock')
  recorder = new AskedRecorder(100)
  isOn = true
  kept = []
  const log = openLog({ level: 'error', pretty: false, colour: false, write: (line) => console.error(line) })
  const operations = {
    recorder: () => (isOn ? recorder : undefined),
    captures: () => Promise.resolve({ captures: kept }),
  } as unknown as Operations
  server = await serveApi(socket, apiApp(operations, log))
})
afterEach(async () => {
  await server.close()
  rmSync(dir, { recursive: true })
})

const syn = (port: number, change: Partial<RecordedPacket> = {}): RecordedPacket => {
  const bytes = packet(
    ether(),
    ipv4({ source: '198.51.100.7', destination: '192.0.2.10', ttl: 52 }),
    tcp({ source: port, destination: 80, flags: tcpFlag.SYN, window: 0 }),
  )
  return {
    ...{
      at: Date.now(),
      kind: 'new',
      outcome: 'forwarded',
      direction: 'in',
      service: 'www',
      server: 'web03',
    },
    ...{ interface: 'eth0', length: bytes.length, bytes },
    ...change,
  }
}
const run = (...words: readonly string[]) => capture(['capture', '--socket', socket, ...words])

test('what is kept of the last seconds is shown, and no more', async () => {
  const { server: _, ...dropped } = syn(2, { kind: 'dropped', outcome: 'no-server' })
  recorder.record(syn(1, { at: Date.now() - 60_000 }), dropped, syn(3))
  const shown = await run('--last', '10s')
  const [first, second, ...more] = shown.out.trimEnd().split('\n')
  assert.match(
    first!,
    /^\d\d:\d\d:\d\d\.\d{3} no-server {5}www - 198\.51\.100\.7:2 > 192\.0\.2\.10:80 syn, window 0, no options, 40 bytes, ttl 52$/,
  )
  assert.match(second!, /forwarded {5}www web03 198\.51\.100\.7:3 > /)
  assert.deepEqual([more, shown.code, shown.err], [[], 0, '2 packets\n'])
  const filtered = await run('--last', '2m', '--json', 'server', 'web03')
  const ports = filtered.out
    .trimEnd()
    .split('\n')
    .map((line) => Buffer.from(JSON.parse(line).frame, 'hex').readUInt16BE(34))
  assert.deepEqual(ports, [1, 3])
})

test('a file is pcapng with a comment at each packet, for the owner alone, and one without packets is as good', async () => {
  recorder.record(syn(1), syn(2))
  const file = join(dir, 'night.pcapng')
  const written = await run('--last', '10s', '-w', file)
  assert.deepEqual([written.code, written.out, written.err], [0, '', `2 packets written to ${file}\n`])
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.match(readFileSync(file, 'latin1'), /verdict=forwarded service=www server=web03 kind=new/)
  const empty = join(dir, 'empty.pcapng')
  await run('--last', '10s', '-w', empty, 'service', 'shop')
  if (spawnSync('tcpdump', ['--version']).error) return
  for (const [path, count] of [
    [file, 2],
    [empty, 0],
  ] as const) {
    const { status, stdout, stderr } = spawnSync('tcpdump', ['-nnr', path], { encoding: 'utf8' })
    assert.deepEqual([status, stdout.split('\n').length - 1], [0, count], stderr)
  }
})

test('packets are shown as they come, until so many are', async () => {
  const shown = run('-c', '2')
  for (let port = 1; port <= 50; port++) {
    recorder.record(syn(port))
    await delay(20)
    if (port > 5) break
  }
  const keeps = setInterval(() => recorder.record(syn(9)), 20)
  try {
    const { code, out, err } = await shown
    assert.deepEqual([code, out.trimEnd().split('\n').length, err], [0, 2, '2 packets\n'])
  } finally {
    clearInterval(keeps)
  }
})

test('who reads too late is told how many packets were overwritten', async () => {
  const shown = run('--last', '1m', '-f', '-c', '101')
  await until(() => recorder.asked > 0, 'it reads')
  recorder.record(...Array.from({ length: 250 }, (_, i) => syn(i + 1)))
  await until(() => recorder.given === 100, 'it has read what is left')
  recorder.record(syn(999))
  const { err, out } = await shown
  assert.match(err, /^101 packets, 150 were overwritten before they were read\n$/)
  assert.match(out, /198\.51\.100\.7:999 > /)
})

test('where less is kept than is asked for, that is told', async () => {
  const ago = (s: number) => Date.now() - 1000 * s
  recorder.record(...Array.from({ length: 100 }, (_, i) => syn(i + 1, { at: ago(63) })))
  assert.match((await run('--last', '2m')).err, /^100 packets\n$/)
  recorder.record(syn(999))
  assert.match((await run('--last', '2m')).err, /^100 packets: the oldest that is kept is 6\d s old\n$/)
  assert.match((await run('--last', '30s')).err, /^1 packet\n$/)
})

test('a name that no packet can have is refused with the nearest', async () => {
  const refused = async (...words: string[]) => {
    const { code, err } = await run('--last', '1m', ...words)
    assert.equal(code, 1)
    return err
  }
  assert.match(await refused('not', 'service', 'shpo'), /no service has the name "shpo": did you mean shop\?/)
  assert.match(
    await refused('(port', '80', 'or', 'server', 'web03', 'interface', 'x)'),
    /"x": there are eth0/,
  )
  assert.match(await refused('server', 'nobody'), /no server has the name "nobody": there are web03/)
})

test('a reader of standard output that is slower than packets gets them all', async () => {
  recorder = new AskedRecorder(2000)
  recorder.record(...Array.from({ length: 1500 }, (_, i) => syn(i + 1)))
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const child = spawn(
    'sh',
    [
      '-c',
      '"$0" --import tsx "$@" | (sleep 2; wc -c)',
      process.execPath,
      main,
      'capture',
      '--socket',
      socket,
    ].concat(['--last', '1m', '-w', '-']),
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  assert.equal(err, '1500 packets written to -\n')
  assert.ok(Number(out) > 1500 * 54, out)
})

test('Ctrl-C of a live capture leaves a file of whole blocks in the place of the one that was there', async () => {
  const file = join(dir, 'live.pcapng')
  writeFileSync(file, 'evidence')
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const words = ['--import', 'tsx', main, 'capture', '--socket', socket, '-w', file]
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'] })
  const part = `${file}.${child.pid}.part`
  const [err, closed] = [text(child.stderr), once(child, 'close')]
  for (let port = 1; !existsSync(part) || statSync(part).size < 2_000; port++) {
    assert.equal(child.exitCode, null)
    recorder.record(syn(port))
    await delay(20)
  }
  assert.equal(readFileSync(file, 'latin1'), 'evidence')
  child.kill('SIGINT')
  const [, count] = /^(\d+) packets written to /.exec(await err) ?? []
  assert.equal(blocksOf(readFileSync(file)).filter((type) => type === 6).length, Number(count))
  assert.deepEqual([...(await closed), existsSync(part)], [0, null, false])
})

test('a filter that does not parse is a usage error that shows the place', async () => {
  const { code, err } = await run('service', 'www', 'veredict', 'drop')
  assert.equal(code, 2)
  assert.match(
    err,
    /filter: character 13: "veredict"; expected one of .*did you mean verdict\?\n {2}service www veredict drop\n {14}\^/,
  )
  for (const words of [
    ['--last', '10'],
    ['-c', 'all'],
  ])
    assert.equal((await run(...words)).code, 2, words.join(' '))
})

test('a full disk, a place that cannot be written and a recorder that is off are told with what to do', async () => {
  recorder.record(syn(1))
  const full = await run('--last', '1m', '-w', '/dev/full')
  assert.deepEqual([full.code, /write \/dev\/full: ENOSPC/.test(full.err)], [1, true], full.err)
  const nowhere = await run('--last', '1m', '-w', join(dir, 'not', 'there'))
  assert.deepEqual([nowhere.code, /ENOENT/.test(nowhere.err)], [1, true], nowhere.err)
  const told = await run('--last', '1m', '--json', '-w', '/dev/full')
  assert.equal(JSON.parse(told.out).error.code, 'CAPTURE_UNWRITABLE')
  isOn = false
  const off = await run('--last', '1m')
  assert.equal(off.code, 1)
  assert.match(off.err, /capture: nothing is recorded/)
  assert.equal(JSON.parse((await run('--last', '1m', '--json')).out).error.code, 'RECORDER_OFF')
  const before = join(dir, 'before.pcapng')
  writeFileSync(before, 'evidence')
  assert.equal((await run('--last', '1m', '-w', before)).code, 1)
  assert.equal(readFileSync(before, 'latin1'), 'evidence')
})

test('the API refuses a filter that does not parse, and a fifth reader', async () => {
  const { callDaemon } = await import('./client.ts')
  const { captureLineSchema } = await import('../daemon/api-capture.ts')
  const ask = (query: Record<string, string>) =>
    callDaemon(socket, { path: '/v1/capture', query, reply: captureLineSchema })
  await assert.rejects(ask({ filter: 'flags' }), { code: 'FILTER_INVALID' })
  const readers = Array.from({ length: 4 }, () => run('-c', '1'))
  await until(() => recorder.begun === 4, 'four read')
  await assert.rejects(ask({}), { code: 'FOLLOWERS_LIMIT' })
  recorder.record(syn(1))
  for (const { code } of await Promise.all(readers)) assert.equal(code, 0)
  await until(async () => (await run('--last', '1m')).err === '1 packet\n', 'there is room again')
})

test('what was kept by itself is listed, with whose it is', async () => {
  assert.equal((await run('--kept')).err, 'nothing has been kept\n')
  kept = [
    { began: '2016-11-01T20:15:30Z', why: 'flood.began', bytes: 3_000_000, path: '/var/lib/tenbin/a.pcapng' },
    {
      began: '2016-11-01T20:10:00Z',
      why: 'role.changed',
      node: 'lb2',
      bytes: 1,
      path: '/var/lib/tenbin/b.pcapng',
    },
  ]
  const { out } = await run('--kept')
  assert.match(
    out,
    /flood\.began\s+2930 KiB {2}\/var\/lib\/tenbin\/a\.pcapng\n.*role\.changed {2}lb2\s+1 KiB/,
  )
  assert.deepEqual(JSON.parse((await run('--kept', '--json')).out).captures, kept)
})
