import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import { fileText, World } from './fake-world.ts'

let world: World
beforeEach(() => {
  world = new World()
  world.text = fileText({ servers: 3, check: 'tcp' })
})
afterEach(() => world.kill())

/** serving: the servers that get new flows in pool www, and with what weight where it is not the file's. */
const serving = (): string[] =>
  ['web1', 'web2', 'web3'].flatMap((name) => {
    const { up, weight } = world.packetPath.views.get('www')?.get(name) ?? { up: true }
    return up && weight !== 0 ? [weight === undefined ? name : `${name} ${weight}`] : []
  })
const allUp = () => {
  for (const host of [11, 12, 13]) world.checker.see(`10.0.0.${host}`, 'up')
}
const states = async () => {
  const { pools } = await world.controller.status()
  return pools[0]!.servers.map(({ state, check }) => `${state} ${check?.state}`)
}
const logged = (text: string): boolean => world.logged.some((line) => line.includes(text))

test('a server gets nothing before its first good look, and its share from then on', async () => {
  await world.start()
  assert.deepEqual(serving(), [])
  assert.deepEqual(await states(), ['failed unknown', 'failed unknown', 'failed unknown'])
  world.checker.see('10.0.0.12', 'up')
  assert.deepEqual(serving(), ['web2'])
  assert.deepEqual(await states(), ['failed unknown', 'up up', 'failed unknown'])
  assert.ok(logged('web2 up in www: tcp: connected, the first look'))
  allUp()
  assert.deepEqual(serving(), ['web1', 'web2', 'web3'])
})

test('a server that fails is out at once, with the cause, and in again when it is back', async () => {
  await world.start()
  allUp()
  const calls = world.packetPath.calls.length
  world.checker.see('10.0.0.11', 'down', 'connect timed out after 2s')
  assert.deepEqual(world.packetPath.calls.slice(calls), ['www/web1 down 1'])
  assert.ok(logged('web1 down in www: tcp: connect timed out after 2s (3 of 3)'))
  const { check } = (await world.controller.status()).pools[0]!.servers[0]!
  assert.equal(check!.why, 'connect timed out after 2s')
  world.checker.see('10.0.0.11', 'up')
  assert.deepEqual(world.packetPath.calls.slice(calls), ['www/web1 down 1', 'www/web1 up 1'])
})

test('what is said by hand and what checks say both count: who comes back stays drained', async () => {
  await world.start()
  allUp()
  await world.controller.order({ kind: 'drain' }, 'web1', undefined)
  world.checker.see('10.0.0.11', 'down')
  assert.deepEqual(world.packetPath.views.get('www')!.get('web1'), { up: false })
  world.checker.see('10.0.0.11', 'up')
  assert.deepEqual(world.packetPath.views.get('www')!.get('web1'), { up: true, weight: 0 })
  await world.controller.order({ kind: 'undrain' }, 'web1', undefined)
  assert.deepEqual(serving(), ['web1', 'web2', 'web3'])
  await world.controller.order({ kind: 'disable' }, 'web2', undefined)
  world.checker.see('10.0.0.12', 'down')
  await world.controller.order({ kind: 'enable' }, 'web2', undefined)
  assert.deepEqual(serving(), ['web1', 'web3'])
})

test('most of a pool failing at once is held, told, and a problem until it is over', async () => {
  await world.start()
  allUp()
  world.checker.see('10.0.0.11', 'down')
  world.checker.see('10.0.0.12', 'down')
  assert.deepEqual(serving(), ['web1', 'web2', 'web3'])
  assert.ok(logged('2 of 3 servers of pool www failed at once: the guard keeps the last good set'))
  await world.controller.tick()
  assert.deepEqual(await world.problemCodes(), ['GUARD_HOLDS'])
  assert.deepEqual(await states(), ['up held', 'up held', 'up up'])
  world.pass(60_000)
  assert.deepEqual(serving(), ['web3'])
  await world.controller.tick()
  assert.deepEqual(await world.problemCodes(), [])
})

test('a daemon that comes while most of a pool is held, or has failed meanwhile, holds it', async () => {
  await world.start()
  allUp()
  for (const host of [11, 12, 13]) world.checker.see(`10.0.0.${host}`, 'down')
  assert.deepEqual(serving(), ['web1', 'web2', 'web3'])
  world.kill()
  await world.start()
  assert.deepEqual(serving(), ['web1', 'web2', 'web3'])
  assert.deepEqual(await states(), ['up held', 'up held', 'up held'])
  assert.deepEqual(await world.problemCodes(), ['GUARD_HOLDS'])
})

test('a daemon that comes holds nobody who was out before', async () => {
  await world.start()
  world.checker.see('10.0.0.11', 'up')
  world.checker.see('10.0.0.12', 'down')
  world.checker.see('10.0.0.13', 'down')
  assert.deepEqual(serving(), ['web1'])
  world.kill()
  await world.start()
  assert.deepEqual(serving(), ['web1'])
  assert.deepEqual(await states(), ['up up', 'failed down', 'failed down'])
})

test('a pool that is called otherwise by a reload is held as before', async () => {
  await world.start()
  allUp()
  for (const host of [11, 12, 13]) world.checker.see(`10.0.0.${host}`, 'down')
  const pool = 'pools: { other: { servers: web1..3 } }'
  world.text = fileText({ servers: 3, check: 'tcp', more: pool }).replace(
    'servers: web1..3, check',
    'pool: other, check',
  )
  await world.controller.reload('test')
  assert.deepEqual(await states(), ['up held', 'up held', 'up held'])
})

test('a clock that is set ends no guard and no ramp', async () => {
  world.text = fileText({ servers: 3, check: 'tcp', more: 'defaults: { weight: 10, slow_start: 10s }' })
  await world.start()
  allUp()
  world.pass(60_000)
  world.checker.see('10.0.0.11', 'down')
  world.pass(60_000)
  world.checker.see('10.0.0.11', 'up')
  world.now = new Date(world.now.getTime() + 3_600_000)
  world.controller.sweep()
  assert.deepEqual(serving(), ['web1 1', 'web2', 'web3'])
  world.pass(10_000)
  world.checker.see('10.0.0.11', 'down')
  world.checker.see('10.0.0.12', 'down')
  world.now = new Date(world.now.getTime() + 3_600_000)
  world.controller.sweep()
  assert.deepEqual(await states(), ['up held', 'up held', 'up up'])
})

test('with guard: off all that fails is believed', async () => {
  world.text = fileText({ servers: 3, check: 'tcp', more: 'defaults: { guard: off }' })
  await world.start()
  allUp()
  for (const host of [11, 12, 13]) world.checker.see(`10.0.0.${host}`, 'down')
  assert.deepEqual(serving(), [])
})

test('a server that comes back gets its share in steps where slow_start says so', async () => {
  world.text = fileText({ servers: 3, check: 'tcp', more: 'defaults: { weight: 10, slow_start: 10s }' })
  await world.start()
  allUp()
  assert.deepEqual(serving(), ['web1', 'web2', 'web3'])
  world.pass(60_000)
  world.checker.see('10.0.0.11', 'down')
  world.pass(60_000)
  world.checker.see('10.0.0.11', 'up')
  assert.deepEqual(serving(), ['web1 1', 'web2', 'web3'])
  world.pass(1000)
  assert.deepEqual(serving(), ['web1 2', 'web2', 'web3'])
  world.pass(5000)
  assert.deepEqual(serving(), ['web1 7', 'web2', 'web3'])
  world.pass(4000)
  assert.deepEqual(serving(), ['web1', 'web2', 'web3'])
})

test('a checker that is not there takes nothing away: what was known counts, and it is said', async () => {
  world.checker.isThere = false
  await world.start()
  assert.deepEqual(serving(), ['web1', 'web2', 'web3'])
  assert.deepEqual(await world.problemCodes(), ['CHECKER_ABSENT'])
  // It comes, and has not looked yet.
  world.checker.isThere = true
  world.checker.tellStates()
  assert.deepEqual(serving(), ['web1', 'web2', 'web3'])
  world.checker.see('10.0.0.11', 'down')
  assert.deepEqual(serving(), ['web2', 'web3'])
  await world.controller.tick()
  assert.deepEqual(await world.problemCodes(), [])
})

test('a checker that ends takes nothing away, and one that begins anew neither', async () => {
  await world.start()
  allUp()
  world.checker.see('10.0.0.11', 'down')
  world.checker.vanish()
  await world.controller.tick()
  assert.deepEqual(serving(), ['web2', 'web3'])
  assert.deepEqual(await world.problemCodes(), ['CHECKER_ABSENT'])
  world.checker.known.clear()
  world.checker.isThere = true
  const calls = world.packetPath.calls.length
  world.checker.tellStates()
  assert.deepEqual(serving(), ['web2', 'web3'])
  assert.equal(world.packetPath.calls.length, calls)
})

test('a checker that does not answer a changed check takes nothing away, nor does the next one', async () => {
  world.text = fileText({ servers: 2, check: 'tcp' })
  await world.start()
  allUp()
  world.checker.isFrozen = true
  world.text = fileText({ servers: 3, check: '{ http: /health }' })
  await world.controller.reload('test')
  assert.deepEqual(serving(), ['web1', 'web2'])
  world.checker.known.clear()
  world.checker.isFrozen = false
  world.checker.vanish('it said nothing for 5 s')
  world.checker.isThere = true
  world.checker.tellStates()
  assert.deepEqual(await states(), ['up up', 'up up', 'failed unknown'])
})

test('a checker that begins anew is told what is known by then, not what was when it was ordered', async () => {
  world.checker.handedDown.set('10.0.0.11', 'up')
  await world.start()
  allUp()
  world.checker.see('10.0.0.11', 'down')
  world.checker.vanish()
  assert.deepEqual(
    world.checker.orders.map(({ seed }) => seed),
    ['down', 'up', 'up'],
  )
})

test('a daemon that comes later finds what its checker saw meanwhile, before the first packet', async () => {
  await world.start()
  allUp()
  world.kill()
  world.checker.known.set('10.0.0.12', 'down')
  world.packetPath.views.clear()
  world.packetPath.calls.length = 0
  await world.start()
  assert.deepEqual(serving(), ['web1', 'web3'])
  assert.deepEqual(world.packetPath.calls[0], 'apply www on eth0')
  assert.ok(!world.packetPath.calls.some((call) => call.startsWith('www/')))
})

test('a changed check takes no server out before it has looked; one of a new server begins with nothing', async () => {
  world.text = fileText({ servers: 2, check: 'tcp' })
  await world.start()
  allUp()
  world.checker.known.clear()
  world.text = fileText({ servers: 3, check: '{ http: /health }' })
  await world.controller.reload('test')
  assert.deepEqual(serving(), ['web1', 'web2'])
  world.checker.see('10.0.0.13', 'up')
  assert.deepEqual(serving(), ['web1', 'web2', 'web3'])
})

/** restart: the daemon is killed, and so is the checker with all that it knew, and another reads the file. */
const restart = async (change = { servers: 3, check: '{ http: /health }' }) => {
  world.kill()
  world.checker.known.clear()
  world.text = fileText(change)
  await world.start()
}

test('a daemon that comes with a changed check takes no server out that is served before it has looked', async () => {
  await world.start()
  world.checker.see('10.0.0.11', 'up')
  world.checker.see('10.0.0.12', 'up')
  await restart()
  // The third never had a good look.
  assert.deepEqual(serving(), ['web1', 'web2'])
  assert.deepEqual(await states(), ['up up', 'up up', 'failed unknown'])
  assert.deepEqual(
    world.checker.orders.map(({ seed }) => seed),
    ['up', 'up', undefined],
  )
  world.checker.see('10.0.0.13', 'up')
  assert.deepEqual(serving(), ['web1', 'web2', 'web3'])
})

test('what a checker knows counts more than who was served when the daemon came', async () => {
  await world.start()
  allUp()
  world.kill()
  world.checker.known.clear()
  world.checker.handedDown.set('10.0.0.12', 'down')
  world.text = fileText({ servers: 3, check: '{ http: /health }' })
  await world.start()
  assert.deepEqual(serving(), ['web1', 'web3'])
})

test('a server that has another address was not served there', async () => {
  await world.start()
  allUp()
  world.kill()
  world.checker.known.clear()
  world.text = fileText({ servers: 3, check: 'tcp' }).replace('10.0.0.11..13', '10.0.0.12..14')
  world.host('10.0.0.14', '02:00:0a:00:00:14')
  await world.start()
  assert.deepEqual(serving(), [])
})

test('a check where there was none takes no server out before it has looked', async () => {
  world.text = fileText({ servers: 3 })
  await world.start()
  assert.deepEqual(serving(), ['web1', 'web2', 'web3'])
  const calls = world.packetPath.calls.length
  world.text = fileText({ servers: 3, check: 'tcp' })
  await world.controller.reload('test')
  assert.deepEqual(serving(), ['web1', 'web2', 'web3'])
  assert.ok(!world.packetPath.calls.slice(calls).some((call) => / down /.test(call)))
  world.checker.see('10.0.0.11', 'down')
  assert.deepEqual(serving(), ['web2', 'web3'])
})

test('check: none needs no checker, asks for nothing, and gives all of it back', async () => {
  await world.start()
  world.checker.see('10.0.0.11', 'up')
  world.text = fileText({ servers: 3, check: 'none' })
  await world.controller.reload('test')
  assert.deepEqual(world.checker.orders, [])
  assert.deepEqual(serving(), ['web1', 'web2', 'web3'])
})

test('a service with check: none asks for no look, and its pool is moved by the checks of others', async () => {
  const more = 'pools: { both: { servers: web1..3 } }'
  const service = "  dns: { listen: ['10.0.0.100:53/udp'], pool: both, check: none }"
  world.text = fileText({ servers: 3, check: 'tcp', more: `${service}\n${more}` }).replace(
    'servers: web1..3, check',
    'pool: both, check',
  )
  await world.start()
  assert.deepEqual(
    world.checker.orders.map(({ address, port }) => [address, port]),
    [11, 12, 13].map((host) => [`10.0.0.${host}`, 80]),
  )
  world.checker.see('10.0.0.12', 'up')
  const { pools } = await world.controller.status()
  assert.deepEqual(
    pools.map(({ name, servers }) => [name, servers.map(({ state }) => state)]),
    [['both', ['failed', 'up', 'failed']]],
  )
})

test('a file that is refused by the packet path leaves the checks of the one before', async () => {
  await world.start()
  allUp()
  const before = world.checker.orders.map(({ key }) => key)
  world.packetPath.refusal = new TenbinError('SYSCALL_FAILED', 'load')
  world.text = fileText({ servers: 2, check: '{ http: /health }' })
  await assert.rejects(world.controller.reload('test'))
  assert.deepEqual(
    world.checker.orders.map(({ key }) => key),
    before,
  )
  world.checker.see('10.0.0.13', 'down')
  assert.deepEqual(serving(), ['web1', 'web2'])
})

test('a server that comes back after a repair that failed is in again', async () => {
  await world.start()
  allUp()
  world.checker.see('10.0.0.11', 'down')
  assert.deepEqual(serving(), ['web2', 'web3'])
  world.packetPath.drifted = ['eth0: detached']
  world.packetPath.refusal = new TenbinError('SYSCALL_FAILED', 'load')
  await world.controller.tick()
  world.checker.see('10.0.0.11', 'up')
  assert.deepEqual(serving(), ['web1', 'web2', 'web3'])
})

test('a server that the packet path cannot be told of holds up no other, is a problem, and is tried again', async () => {
  await world.start()
  allUp()
  world.packetPath.deaf.set('web1', new TenbinError('SYSCALL_FAILED', 'store'))
  world.checker.see('10.0.0.11', 'down')
  world.checker.see('10.0.0.12', 'down')
  // The guard ends, and both go out in one step.
  world.pass(60_000)
  assert.deepEqual(serving(), ['web1', 'web3'])
  await world.controller.tick()
  assert.ok((await world.problemCodes()).includes('SYSCALL_FAILED'))
  world.packetPath.deaf.clear()
  await world.controller.tick()
  assert.deepEqual(serving(), ['web3'])
  assert.deepEqual(await world.problemCodes(), [])
})

test('a warning is told when it is new, with the first look too, and is in the status', async () => {
  await world.start()
  const text = 'the certificate expires in 6 days'
  const times = () => world.logged.filter((line) => line.includes(`web1 in www: ${text}`)).length
  world.checker.see('10.0.0.11', 'up', 'as expected', text)
  assert.equal(times(), 1)
  world.checker.see('10.0.0.11', 'down', 'connect: refused', text)
  assert.equal(times(), 1)
  world.checker.see('10.0.0.11', 'up', 'as expected', text)
  assert.equal(times(), 1)
  const { check } = (await world.controller.status()).pools[0]!.servers[0]!
  assert.equal(check!.warning, text)
})

test('a daemon that comes later says why a server is down', async () => {
  await world.start()
  allUp()
  world.checker.see('10.0.0.11', 'down', 'connect timed out after 2s')
  world.kill()
  await world.start()
  const { check } = (await world.controller.status()).pools[0]!.servers[0]!
  assert.equal(check!.why, 'connect timed out after 2s')
})

test('looks that find nothing are a problem with their reason until one finds something', async () => {
  await world.start()
  world.checker.see('10.0.0.11', 'up')
  world.checker.fail('10.0.0.11', 'socket: no descriptors left')
  world.checker.fail('10.0.0.12', 'socket: no descriptors left')
  assert.deepEqual(serving(), ['web1'])
  await world.controller.tick()
  const { problems, pools } = await world.controller.status()
  assert.deepEqual(
    problems.map(({ code, message }) => [code, message]),
    [['CHECKS_FRUITLESS', '2 checks find nothing: web1 of www, web2 of www: socket: no descriptors left']],
  )
  assert.equal(pools[0]!.servers[1]!.check!.why, 'socket: no descriptors left')
  allUp()
  await world.controller.tick()
  assert.deepEqual(await world.problemCodes(), [])
})

test('an observed check is told of and moves nothing', async () => {
  world.text = fileText({ servers: 3, check: '{ tcp: {}, observe: true }' })
  await world.start()
  assert.deepEqual(serving(), ['web1', 'web2', 'web3'])
  world.checker.see('10.0.0.11', 'up')
  world.checker.see('10.0.0.11', 'down')
  assert.deepEqual(serving(), ['web1', 'web2', 'web3'])
  assert.ok(logged('web1 down in www: tcp: connect: refused (3 of 3) (observed: moves nothing)'))
})
