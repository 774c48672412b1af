import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { parseIp, parseMac } from '../base/addresses.ts'
import type { ErrorCode } from '../base/error-catalogue.ts'
import { TenbinError } from '../base/errors.ts'
import { HASH_KEYS } from '../dataplane/shape.ts'
import { FakeNetwork } from '../netlink/fake.ts'
import { FakeChecker } from './fake-checker.ts'
import { FakePacketPath } from './fake-packet-path.ts'
import { FakeVrrp } from './fake-vrrp.ts'
import { type Instance, instanceOf } from './instance.ts'
import { openLog } from './log.ts'
import type { MachineMemory } from './memory.ts'
import { readRecord, thisWorld, writeRecord } from './record.ts'
import { runDaemon } from './run.ts'

const FILE = `
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [10.0.0.100/24] } }
servers: { web1: 10.0.0.11 }
services: { www: { listen: [10.0.0.100:80], servers: web1, check: none } }
`

let dir = ''
let logged: string[] = []
let network = new FakeNetwork()
let packetPath = new FakePacketPath()
let isAttached = false
let signals = new EventEmitter()
let managed: string[] = []
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'run-'))
  logged = []
  network = new FakeNetwork()
  const { index } = network.addLink({ name: 'eth0', mac: parseMac('02:00:0a:00:00:02') })
  network.addAddress({ ifindex: index, address: parseIp('10.0.0.2'), prefix: 24 })
  network.setHost(index, parseIp('10.0.0.11'), parseMac('02:00:0a:00:00:0b'))
  packetPath = new FakePacketPath()
  isAttached = false
  signals = new EventEmitter()
  managed = []
  writeFileSync(join(dir, 'tenbin.yaml'), FILE)
})
afterEach(() => rmSync(dir, { recursive: true }))

const instance = (): Instance =>
  instanceOf({ instance: `run-test-${process.pid}`, runDir: dir, stateDir: join(dir, 'state') })

const run = (at = instance()) =>
  runDaemon(
    {
      instance: at,
      file: join(dir, 'tenbin.yaml'),
      log: openLog({ level: 'info', pretty: false, colour: false, write: (line) => logged.push(line) }),
    },
    {
      openNetwork: () => network,
      openPacketPath: () => packetPath,
      openChecker: () => checker.open,
      openVrrp: () => new FakeVrrp().open,
      isAttached: () => isAttached,
      found: () => ({ servers: [], pools: [] }),
      memory: () => memory,
      signals,
      manager: {
        ready: (status) => managed.push(`ready: ${status}`),
        stopping: () => managed.push('stopping'),
      },
    },
  )

/** until waits for a log line, at most five seconds. */
async function until(text: string): Promise<void> {
  for (const deadline = Date.now() + 5_000; Date.now() < deadline; await delay(5)) {
    if (logged.some((line) => line.includes(text))) return
  }
  assert.fail(`no log line says "${text}":\n${logged.join('')}`)
}

const checker = new FakeChecker()

const memory: MachineMemory = { cpus: 2, total: 2 ** 32, available: 2 ** 31, held: [] }

const coded = (code: ErrorCode) => (e: unknown) => e instanceof TenbinError && e.code === code

test('the daemon forwards until it is told to end, then leaves everything as it is', async () => {
  const running = run()
  await until('applied ')
  assert.ok(existsSync(instance().socket))
  signals.emit('SIGTERM')
  await running
  assert.equal(existsSync(instance().socket), false)
  assert.equal(network.listAddresses().length, 2)
  assert.deepEqual(packetPath.calls, ['apply www on eth0'])
  assert.equal(readFileSync(instance().keys).length, 8 * HASH_KEYS)
  assert.match(readFileSync(instance().record, 'utf8'), /10\.0\.0\.100/)
  assert.deepEqual(managed, [`ready: runs by ${join(dir, 'tenbin.yaml')}`, 'stopping'])
})

test('where events are gone, numbers go on behind those that somebody was told of: what happens then is told', async () => {
  const at = instance()
  mkdirSync(at.stateDir)
  writeFileSync(at.notified, '{"version":1,"targets":{"chat":{"seq":500,"missed":0}}}')
  const running = run()
  await until('"event":501')
  signals.emit('SIGTERM')
  await running
})

test('SIGHUP applies a changed file, and one with errors changes nothing', async () => {
  const running = run()
  await until('applied ')
  writeFileSync(join(dir, 'tenbin.yaml'), FILE.replace('web1: 10', 'web1: x10'))
  signals.emit('SIGHUP')
  await until('not applied')
  writeFileSync(join(dir, 'tenbin.yaml'), FILE.replace(':80]', ':81]'))
  logged = []
  signals.emit('SIGHUP')
  await until('applied ')
  assert.equal(packetPath.spec?.services[0]?.listeners[0]?.port, 81)
  assert.equal(packetPath.generation, 2)
  signals.emit('SIGINT')
  await running
})

test('a storm of SIGHUPs is one reload and one more', async () => {
  const running = run()
  await until('applied ')
  logged = []
  for (let i = 0; i < 1_000; i++) signals.emit('SIGHUP')
  await until('"generation":3')
  signals.emit('SIGTERM')
  await running
  assert.equal(packetPath.generation, 3)
})

test('a second daemon of the instance is refused and does not disturb the first', async () => {
  const running = run()
  await until('applied ')
  await assert.rejects(run(), coded('DAEMON_RUNNING'))
  assert.ok(existsSync(instance().socket))
  signals.emit('SIGTERM')
  await running
})

test('a daemon of another instance does not take a socket that answers', async () => {
  const running = run()
  await until('applied ')
  const { socket } = instance()
  const folder = join(dir, 'other')
  const other = instanceOf({ instance: `other-${process.pid}`, runDir: folder, stateDir: folder, socket })
  await assert.rejects(run(other), coded('DAEMON_RUNNING'))
  signals.emit('SIGTERM')
  await running
})

test('a file with errors ends the start, and the lock is free again', async () => {
  writeFileSync(join(dir, 'tenbin.yaml'), 'servers: 1\n')
  await assert.rejects(run(), coded('CONFIG_INVALID'))
  await assert.rejects(run(), coded('CONFIG_INVALID'))
  assert.equal(existsSync(instance().socket), false)
  assert.deepEqual(packetPath.calls, [])
})

test('a file that is not there is said by name', async () => {
  rmSync(join(dir, 'tenbin.yaml'))
  await assert.rejects(
    run(),
    (e) => coded('CONFIG_UNREADABLE')(e) && (e as Error).message.includes('tenbin.yaml'),
  )
})

test('a damaged record or key ends the start before anything is touched', async () => {
  const { keys, record } = instance()
  for (const [path, code] of [
    [record, 'RUN_STATE_UNREADABLE'],
    [keys, 'HASH_KEY_INVALID'],
  ] as const) {
    const running = run()
    await until('applied ')
    signals.emit('SIGTERM')
    await running
    const before = readFileSync(path)
    writeFileSync(path, 'damaged')
    packetPath = new FakePacketPath()
    logged = []
    await assert.rejects(run(), coded(code))
    assert.deepEqual(packetPath.calls, [])
    writeFileSync(path, before)
  }
})

test('a record that cannot be written is a problem that is told, not the end', async () => {
  const running = run()
  await until('added 10.0.0.100')
  symlinkSync(join(dir, 'missing', 'file'), `${instance().record}.${process.pid}.new`)
  const { index } = network.getLink('eth0')!
  network.removeAddress({ ifindex: index, address: parseIp('10.0.0.100'), prefix: 24 })
  await until('STATE_UNUSABLE')
  signals.emit('SIGTERM')
  await running
})

test('what forwards in another network namespace keeps its record, until nothing of it is left', async () => {
  const { record } = instance()
  const elsewhere = `${thisWorld().split(' ')[0]} net:[1]`
  const link = { addresses: [], links: [7], sysctls: [] }
  writeRecord(record, link, elsewhere)
  isAttached = true
  await assert.rejects(run(), coded('NAMESPACE_OTHER'))
  assert.deepEqual(readRecord(record, elsewhere), link)
  isAttached = false
  const running = run()
  await until('applied ')
  signals.emit('SIGTERM')
  await running
})
