import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { fileText, World } from './fake-world.ts'

const FORWARD = 'net.ipv4.ip_forward'
let world: World
let path = ''
const get = () => readFileSync(path, 'utf8').trim()
const withForward = fileText({ more: `sysctls: { ${FORWARD}: 1 }\n` })

beforeEach(() => {
  world = new World()
  const root = mkdtempSync(join(tmpdir(), 'world-'))
  world.sysctlRoot = root
  mkdirSync(join(root, 'net/ipv4/conf'), { recursive: true })
  path = join(root, 'net/ipv4/ip_forward')
  writeFileSync(path, '0\n')
})
afterEach(() => {
  world.kill()
  rmSync(world.sysctlRoot!, { recursive: true })
})

test('a start makes the file’s settings, status shows them, and a reload without them takes them back', async () => {
  world.text = withForward
  const controller = await world.start()
  assert.equal(get(), '1')
  const { sysctls } = await controller.status()
  assert.deepEqual(sysctls, [{ name: FORWARD, wanted: 1, value: '1', before: '0' }])
  world.text = fileText()
  await controller.reload('test')
  assert.equal(get(), '0')
  assert.equal((await controller.status()).sysctls, undefined)
  assert.ok(world.logged.some((line) => line.includes(`set ${FORWARD} to 1, which was 0`)))
  assert.ok(world.logged.some((line) => line.includes(`set ${FORWARD} back to 0`)))
})

test('a daemon that was killed knows what the setting was', async () => {
  world.text = withForward
  await world.start()
  world.kill()
  world.text = fileText()
  await world.start()
  assert.equal(get(), '0')
})

test('what somebody else sets is set again and told; who does it again and again is left alone for a while, and named', async () => {
  world.text = withForward
  const controller = await world.start()
  const again = async (ms: number) => {
    world.pass(ms)
    writeFileSync(path, '0\n')
    await controller.tick()
    return get()
  }
  assert.equal(await again(0), '1')
  assert.deepEqual(await world.problemCodes(), [])
  const told = world.events!.latest().find(({ kind }) => kind === 'node.healed')
  assert.equal(told!.text, `somebody had set ${FORWARD} to 0: set to 1 again`)
  assert.equal(await again(1_000), '0')
  assert.deepEqual(await world.problemCodes(), ['SYSCTL_OTHER'])
  assert.equal(await again(1_000), '1')
  assert.equal(await again(3_000), '0')
  assert.equal(await again(1_000), '1')
  assert.deepEqual(await world.problemCodes(), ['CHANGED_AGAIN'])
  world.pass(60_000)
  await controller.tick()
  assert.deepEqual(await world.problemCodes(), [])
  // what it goes back to is what it was when it was set last
  world.text = fileText()
  await controller.reload('test')
  assert.equal(get(), '0')
})

test('a setting of an interface that comes later is made when it comes', async () => {
  const late = 'net.ipv4.conf.eth1.rp_filter'
  world.text = fileText({ more: `sysctls: { ${late}: 0 }\n` }).replace(
    '{ lan: eth0 }',
    '{ lan: eth0, more: eth1 }',
  )
  const controller = await world.start()
  assert.deepEqual(await world.problemCodes(), ['SYSCTL_MISSING'])
  const folder = join(world.sysctlRoot!, 'net/ipv4/conf/eth1')
  mkdirSync(folder)
  writeFileSync(join(folder, 'rp_filter'), '1\n')
  await controller.tick()
  assert.equal(readFileSync(join(folder, 'rp_filter'), 'utf8'), '0')
  assert.deepEqual(await world.problemCodes(), [])
  assert.deepEqual(
    world.events!.latest().filter(({ kind }) => kind === 'node.healed'),
    [],
    'nobody had changed it',
  )
  assert.equal(world.record.sysctls[0]!.before, '1')
})

test('a file that is refused changes no setting', async () => {
  const controller = await world.start()
  world.text = fileText({ listen: '10.0.0.100:0', more: `sysctls: { ${FORWARD}: 1 }\n` })
  await assert.rejects(controller.reload('test'))
  assert.equal(get(), '0')
})

test('a setting that does not exist here holds nothing up', async () => {
  world.text = fileText({ more: 'sysctls: { net.ipv6.conf.all.forwarding: 1 }\n' })
  const controller = await world.start()
  assert.deepEqual(await world.problemCodes(), ['SYSCTL_MISSING'])
  assert.equal((await controller.status()).state, 'forwarding')
})

test('more servers than the kernel has room for among its neighbours are a problem until there is room', async () => {
  const folder = join(world.sysctlRoot!, 'net/ipv4/neigh/default')
  mkdirSync(folder, { recursive: true })
  const room = ['gc_thresh2', 'gc_thresh3']
  for (const [i, name] of room.entries()) writeFileSync(join(folder, name), `${2 << i}\n`)
  const crowded = async () => (await world.problemCodes()).filter((code) => code === 'NEIGHBOURS_CROWDED')
  world.text = fileText({ servers: 3 })
  const controller = await world.start()
  assert.deepEqual(await crowded(), ['NEIGHBOURS_CROWDED'])
  const more = `sysctls: { ${room.map((name) => `net.ipv4.neigh.default.${name}: 4096`).join(', ')} }\n`
  world.text = fileText({ servers: 3, more })
  await controller.reload('test')
  assert.deepEqual(await crowded(), [])
  assert.equal(readFileSync(join(folder, 'gc_thresh3'), 'utf8'), '4096')
})
