import assert from 'node:assert/strict'
import { existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { formatIp, parseIp, parseMac } from '../base/addresses.ts'
import type { ErrorCode } from '../base/error-catalogue.ts'
import { TenbinError } from '../base/errors.ts'
import { FakeNetwork } from '../netlink/fake.ts'
import { takeDown } from './down.ts'
import { type Instance, instanceOf } from './instance.ts'
import { lockInstance } from './lock.ts'
import { thisWorld, writeRecord } from './record.ts'

let dir = ''
let instance: Instance
let network = new FakeNetwork()
let ifindex = 0
let order: string[] = []
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'down-'))
  instance = instanceOf({ instance: `down-test-${process.pid}`, runDir: dir, stateDir: dir })
  network = new FakeNetwork()
  ifindex = network.addLink({ name: 'eth0', mac: parseMac('02:00:0a:00:00:02') }).index
  network.addAddress({ ifindex, address: parseIp('10.0.0.2'), prefix: 24, protocol: 0 })
  order = []
})
afterEach(() => rmSync(dir, { recursive: true }))

const owned = (text: string) => ({ ifindex, interface: 'eth0', address: parseIp(text), prefix: 24 })
const held = () => network.listAddresses().map(({ address }) => formatIp(address))
const down = (force = false) =>
  takeDown({
    instance,
    network,
    force,
    downPacketPath: (name) => {
      order.push(`packet path of ${name} with ${held().length} addresses`)
      return ['program on eth0']
    },
    promote: (_, body) => body(),
    sysctlRoot: dir,
  })
const coded = (code: ErrorCode) => (e: unknown) => e instanceof TenbinError && e.code === code

test('down removes what was recorded: addresses first, then the packet path, neighbours and files', async () => {
  network.addAddress({ ifindex, address: parseIp('10.0.0.100'), prefix: 24 })
  network.manageNeighbour(ifindex, parseIp('10.0.0.11'))
  writeRecord(instance.record, { addresses: [owned('10.0.0.100')], links: [ifindex], sysctls: [] })
  assert.deepEqual(await down(), ['address 10.0.0.100/24 on eth0', 'program on eth0', '1 neighbour entry'])
  assert.deepEqual(order, [`packet path of ${instance.name} with 1 addresses`])
  assert.deepEqual(held(), ['10.0.0.2'])
  assert.deepEqual(network.listNeighbours(), [])
  assert.equal(existsSync(instance.runDir), false)
})

test('down takes kernel settings back, and names those that somebody else has set since', async () => {
  mkdirSync(join(dir, 'net/ipv4'), { recursive: true })
  const [forward, bind] = ['ip_forward', 'ip_nonlocal_bind'].map((name) => join(dir, 'net/ipv4', name))
  writeFileSync(forward!, '1')
  writeFileSync(bind!, '7')
  const set = { value: '1', before: '0', beside: {} }
  const sysctls = ['net.ipv4.ip_forward', 'net.ipv4.ip_nonlocal_bind'].map((name) => ({ name, ...set }))
  writeRecord(instance.record, { addresses: [], links: [], sysctls })
  assert.deepEqual(await down(), [
    'program on eth0',
    'setting of net.ipv4.ip_nonlocal_bind: 7 stays, set by somebody else',
    'setting of net.ipv4.ip_forward: 0 again',
  ])
  assert.equal(readFileSync(forward!, 'utf8'), '0')
  assert.equal(readFileSync(bind!, 'utf8'), '7')
})

test('down leaves an address that is recorded but carries no mark of ours', async () => {
  network.addAddress({ ifindex, address: parseIp('10.0.0.100'), prefix: 24, protocol: 0 })
  writeRecord(instance.record, { addresses: [owned('10.0.0.100')], links: [], sysctls: [] })
  assert.deepEqual(await down(), ['program on eth0'])
  assert.deepEqual(held(), ['10.0.0.2', '10.0.0.100'])
})

test('secondary addresses are kept by the name that the interface has now', async () => {
  network.addAddress({ ifindex, address: parseIp('10.0.0.100'), prefix: 24 })
  writeRecord(instance.record, {
    addresses: [{ ...owned('10.0.0.100'), interface: 'old0' }],
    links: [],
    sysctls: [],
  })
  const listAddresses = network.listAddresses.bind(network)
  network.listAddresses = (index) =>
    listAddresses(index).map((each) => ({ ...each, isSecondary: each.address === parseIp('10.0.0.2') }))
  const promoted: string[] = []
  const promote = (name: string, body: () => void) => {
    promoted.push(name)
    body()
  }
  await takeDown({ instance, network, downPacketPath: () => [], promote })
  assert.deepEqual(promoted, ['eth0'])
})

test('down can be repeated, and works where nothing is recorded', async () => {
  await down()
  assert.deepEqual(await down(), ['program on eth0'])
})

test('down works when the interface is gone', async () => {
  writeRecord(instance.record, { addresses: [owned('10.0.0.100')], links: [ifindex], sysctls: [] })
  network.removeLink(ifindex)
  assert.deepEqual(await down(), ['program on eth0'])
})

test('down removes a socket that a dead daemon left', async () => {
  const server = createServer()
  const other = join(dir, 'other')
  await new Promise<void>((resolve) => server.listen(other, resolve))
  linkSync(other, instance.socket)
  await new Promise((resolve) => server.close(resolve))
  await down()
  assert.equal(existsSync(instance.socket), false)
})

test('down refuses while a daemon works, here or in another namespace', async () => {
  const lock = lockInstance(instance)
  await assert.rejects(down(), coded('DAEMON_RUNNING'))
  lock[Symbol.dispose]()
  const server = createServer((socket) => socket.destroy())
  mkdirSync(instance.runDir, { recursive: true })
  await new Promise<void>((resolve) => server.listen(instance.socket, resolve))
  await assert.rejects(down(true), coded('DAEMON_RUNNING'))
  await new Promise((resolve) => server.close(resolve))
  assert.deepEqual(order, [])
})

test('down refuses where the addresses are in another namespace, unless forced', async () => {
  const [boot] = thisWorld().split(' ')
  writeRecord(
    instance.record,
    { addresses: [owned('10.0.0.100')], links: [], sysctls: [] },
    `${boot} net:[1]`,
  )
  await assert.rejects(down(), coded('NAMESPACE_OTHER'))
  assert.deepEqual(order, [])
  assert.deepEqual(await down(true), ['program on eth0'])
})

test('a socket whose owner does not speak the API is not taken for nobody’s', async () => {
  const server = createServer((socket) => socket.resume())
  await new Promise<void>((resolve) => server.listen(instance.socket, resolve))
  await assert.rejects(
    down(),
    (e) => coded('DAEMON_RUNNING')(e) && (e as Error).message.includes('another process has'),
  )
  await new Promise((resolve) => server.close(resolve))
})
