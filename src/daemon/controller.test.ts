import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { formatIp, parseIp, parseIp4, parseMac } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { FILE, fileText, World } from './fake-world.ts'
import { TURN_MS } from './in-turns.ts'
import { Problems } from './problem.ts'

let world = new World()
afterEach(() => {
  world.kill()
  world = new World()
})

const mac = (text: string) => ({ mac: parseMac(text), on: 'eth0' })

test('a start resolves the servers, attaches the packet path, then adds the service addresses', async () => {
  const order: string[] = []
  const { apply } = world.packetPath
  world.packetPath.apply = function (spec, neighbours) {
    order.push(`apply with ${world.held.length} addresses`)
    return apply.call(this, spec, neighbours)
  }
  await world.start()
  assert.deepEqual(order, ['apply with 1 addresses'])
  assert.deepEqual(world.held, ['10.0.0.2/24 eth0', '10.0.0.100/24 eth0'])
  assert.deepEqual(Object.fromEntries(world.packetPath.neighbours), {
    web1: mac('02:00:0a:00:00:11'),
    web2: mac('02:00:0a:00:00:12'),
  })
  assert.deepEqual(world.kept, world.packetPath.keys)
})

test('status says what is, with counters that do not fit a JSON number', async () => {
  const controller = await world.start()
  const status = await controller.status()
  assert.equal(status.state, 'forwarding')
  assert.equal(status.node, 'lb1')
  assert.equal(status.outcomes.forwarded, '1152921504606846976')
  assert.deepEqual(status.addresses, [
    { address: '10.0.0.100', prefix: 24, interface: 'eth0', present: true, owned: true, set: 'front' },
  ])
  assert.deepEqual(status.services[0]?.listeners, ['10.0.0.100:80'])
  assert.deepEqual(
    status.servers.map(({ name, address, mac }) => [name, address, mac]),
    [
      ['web1', '10.0.0.11', '02:00:0a:00:00:11'],
      ['web2', '10.0.0.12', '02:00:0a:00:00:12'],
    ],
  )
  assert.deepEqual(status.problems, [])
})

test('a status that a change overtakes says nothing of that change', async () => {
  const controller = await world.start()
  const list = world.network.listLinks.bind(world.network)
  let reloaded: Promise<unknown> | undefined
  // As long as a turn: the rest of the status is made after whatever else there is to do.
  world.network.listLinks = () => {
    const links = list()
    world.network.listLinks = list
    reloaded = controller.reload('test')
    for (const began = performance.now(); performance.now() - began < TURN_MS + 1; );
    return links
  }
  const before = await controller.status()
  assert.equal(before.program!.generation, 1)
  assert.equal(before.lastReload, undefined)
  await reloaded
  const after = await controller.status()
  assert.equal(after.program!.generation, 2)
  assert.equal(after.lastReload!.done, true)
})

test('a file with errors changes nothing and every finding is told with its place', async () => {
  const controller = await world.start()
  const before = [...world.packetPath.calls]
  world.text = fileText({ listen: '10.0.0.100:0', more: 'colour: red\n' })
  await assert.rejects(
    controller.reload('test'),
    (e) => e instanceof TenbinError && e.code === 'CONFIG_INVALID',
  )
  assert.deepEqual(world.packetPath.calls, before)
  assert.deepEqual(world.held, ['10.0.0.2/24 eth0', '10.0.0.100/24 eth0'])
  const { lastReload } = await controller.status()
  assert.equal(lastReload?.done, false)
  assert.deepEqual(
    lastReload?.problems.map(({ file, line }) => [file, line]),
    [
      [FILE, 7],
      [FILE, 8],
    ],
  )
  assert.equal(
    world.logged.filter((line) => line.includes('"level":"error"') && line.includes(FILE)).length,
    2,
  )
})

test('a reload adds what is new before it takes away what is old', async () => {
  const controller = await world.start()
  world.text = fileText({ ips: '10.0.0.101/24', listen: '10.0.0.101:80', servers: 3 })
  const answer = await controller.reload('test')
  assert.equal(answer.change, 'replaced')
  assert.deepEqual(world.held, ['10.0.0.2/24 eth0', '10.0.0.101/24 eth0'])
  assert.deepEqual(world.packetPath.neighbours.get('web3'), mac('02:00:0a:00:00:13'))
  assert.deepEqual(
    world.record.addresses.map(({ address }) => formatIp(address)),
    ['10.0.0.101'],
  )
  assert.equal((await controller.status()).lastReload?.done, true)
})

test('servers that leave the file are no longer looked after', async () => {
  world.text = fileText({ servers: 3 })
  const controller = await world.start()
  world.text = fileText({ servers: 2 })
  await controller.reload('test')
  await world.settle()
  const managed = world.network.listNeighbours(world.eth0.index).filter(({ isManaged }) => isManaged)
  assert.deepEqual(managed.map(({ address }) => formatIp(address)).sort(), ['10.0.0.11', '10.0.0.12'])
})

test('a server that leaves all services stays known until it leaves the file, or is gone: flows may be with it', async () => {
  const [all, one] = [fileText({ servers: 3 }), 'servers: [web1, web3], check']
  const known = () => world.packetPath.spec!.servers.map(({ name }) => name)
  world.text = all
  const controller = await world.start()
  world.text = all.replace('servers: web1..3, check', one)
  await controller.reload('test')
  assert.deepEqual(known(), ['web1', 'web2', 'web3'])
  assert.deepEqual(world.packetPath.neighbours.get('web2'), mac('02:00:0a:00:00:12'))
  // A daemon that finds it in what is pinned knows no better.
  world.kill()
  const next = await world.start()
  await next.reload('test')
  assert.deepEqual(known(), ['web1', 'web2', 'web3'])
  // One that does not answer any more has no flows to keep.
  world.host('10.0.0.12', undefined)
  world.network.timeOut()
  await world.settle()
  await next.reload('test')
  assert.deepEqual(known(), ['web1', 'web3'])
  // One that nobody used has none either.
  world.host('10.0.0.12', '02:00:0a:00:00:12')
  await next.reload('test')
  assert.deepEqual(known(), ['web1', 'web3'])
  world.text = fileText({ servers: 2 })
  await next.reload('test')
  assert.deepEqual(known(), ['web1', 'web2'])
})

test('a server that has failed does not stay with the flows of a service that it leaves', async () => {
  world.text = fileText({ servers: 3 })
  const controller = await world.start()
  await controller.order({ kind: 'disable' }, 'web2', undefined)
  world.text = fileText({ servers: 3 }).replace('servers: web1..3, check', 'servers: [web1, web3], check')
  await controller.reload('test')
  assert.deepEqual(
    world.packetPath.spec!.servers.map(({ name }) => name),
    ['web1', 'web3'],
  )
})

test('when the packet path refuses, what ran before still runs, and new servers are forgotten again', async () => {
  const controller = await world.start()
  world.packetPath.refusal = new TenbinError('NOT_PERMITTED', 'load program')
  world.text = fileText({ servers: 3, ips: '10.0.0.101/24', listen: '10.0.0.101:80' })
  await assert.rejects(
    controller.reload('test'),
    (e) => e instanceof TenbinError && e.code === 'NOT_PERMITTED',
  )
  assert.deepEqual(world.held, ['10.0.0.2/24 eth0', '10.0.0.100/24 eth0'])
  assert.equal((await controller.status()).services[0]?.listeners[0], '10.0.0.100:80')
  assert.equal(world.network.getNeighbour(world.eth0.index, parseIp('10.0.0.13'))?.isManaged ?? false, false)
})

test('when an address cannot be added, the packet path goes back to what it did', async () => {
  const controller = await world.start()
  const { addAddress } = world.network
  world.network.addAddress = () => {
    throw new TenbinError('NOT_PERMITTED', 'add address')
  }
  world.text = fileText({ ips: '10.0.0.100/24, 10.0.0.101/24', listen: '10.0.0.101:80' })
  await assert.rejects(
    controller.reload('test'),
    (e) => e instanceof TenbinError && e.code === 'NOT_PERMITTED',
  )
  world.network.addAddress = addAddress
  assert.equal(formatIp(world.packetPath.spec!.services[0]!.listeners[0]!.address), '10.0.0.100')
  assert.deepEqual(world.held, ['10.0.0.2/24 eth0', '10.0.0.100/24 eth0'])
  await controller.tick()
  assert.deepEqual(world.held, ['10.0.0.2/24 eth0', '10.0.0.100/24 eth0'])
})

test('an address that was there before is used, never taken away', async () => {
  world.address('10.0.0.100/24')
  const controller = await world.start()
  assert.deepEqual((await controller.status()).addresses[0]?.owned, false)
  world.text = fileText({ ips: '10.0.0.101/24', listen: '10.0.0.101:80' })
  await controller.reload('test')
  assert.deepEqual(world.held, ['10.0.0.2/24 eth0', '10.0.0.100/24 eth0', '10.0.0.101/24 eth0'])
})

test('an address that was found with another prefix length is left as it is', async () => {
  world.address('10.0.0.100/32')
  await world.start()
  assert.deepEqual(world.held, ['10.0.0.2/24 eth0', '10.0.0.100/32 eth0'])
})

test('a changed prefix length replaces an address of our own', async () => {
  const controller = await world.start()
  world.text = fileText({ ips: '10.0.0.100/25' })
  await controller.reload('test')
  assert.deepEqual(world.held, ['10.0.0.2/24 eth0', '10.0.0.100/25 eth0'])
})

test('an address that somebody removes comes back, one that he then adds himself is his', async () => {
  const controller = await world.start()
  const vip = { ifindex: world.eth0.index, address: parseIp('10.0.0.100'), prefix: 24 }
  world.network.removeAddress(vip)
  await world.settle()
  assert.deepEqual(world.held, ['10.0.0.2/24 eth0', '10.0.0.100/24 eth0'])
  world.network.removeAddress(vip)
  world.address('10.0.0.100/24')
  await world.settle()
  assert.equal((await controller.status()).addresses[0]?.owned, false)
  assert.deepEqual(world.record.addresses, [])
})

test('the daemon dies and a new one knows which addresses are its own', async () => {
  await world.start()
  world.kill()
  assert.deepEqual(world.held, ['10.0.0.2/24 eth0', '10.0.0.100/24 eth0'])
  world.text = fileText({ ips: '10.0.0.101/24', listen: '10.0.0.101:80' })
  const controller = await world.start()
  assert.deepEqual(world.held, ['10.0.0.2/24 eth0', '10.0.0.101/24 eth0'])
  assert.equal((await controller.status()).addresses[0]?.owned, true)
})

test('a service address on another interface is refused, not stolen', async () => {
  const eth1 = world.network.addLink({ name: 'eth1', mac: parseMac('02:00:0a:00:00:03') })
  world.address('10.0.0.101/24', eth1)
  const controller = await world.start()
  world.text = fileText({ ips: '10.0.0.100/24, 10.0.0.101/24' })
  await assert.rejects(
    controller.reload('test'),
    (e) => e instanceof Problems && e.code === 'ADDRESS_ELSEWHERE' && e.message.includes('10.0.0.101'),
  )
  assert.deepEqual(world.held.length, 3)
})

test('a reload that names an interface which is not there changes nothing and names those that are', async () => {
  const controller = await world.start()
  world.text = fileText({ nic: 'eth7' })
  await assert.rejects(
    controller.reload('test'),
    (e) => e instanceof TenbinError && e.code === 'INTERFACE_MISSING' && /eth7.*eth0/.test(e.message),
  )
  assert.equal(world.packetPath.spec?.interfaces[0]?.name, 'eth0')
  assert.equal((await controller.status()).state, 'forwarding')
})

test('loopback cannot carry service addresses', async () => {
  const controller = await world.start()
  world.text = fileText({ nic: 'lo' })
  await assert.rejects(
    controller.reload('test'),
    (e) => e instanceof TenbinError && e.code === 'INTERFACE_UNSUITABLE',
  )
})

test('a reload to another interface moves addresses and neighbours there', async () => {
  const controller = await world.start()
  const eth1 = world.network.addLink({ name: 'eth1', mac: parseMac('02:00:0a:00:00:03') })
  for (const host of [11, 12]) world.host(`10.0.0.${host}`, `02:00:0a:00:00:${host}`, eth1)
  world.network.removeAddress({ ifindex: world.eth0.index, address: parseIp('10.0.0.2'), prefix: 24 })
  world.address('10.0.0.2/24', eth1)
  world.text = fileText({ nic: 'eth1' })
  await controller.reload('test')
  assert.deepEqual(world.held.sort(), ['10.0.0.100/24 eth1', '10.0.0.2/24 eth1'])
  assert.deepEqual(world.record.links, [eth1.index])
  assert.equal(world.network.listNeighbours(world.eth0.index).filter(({ isManaged }) => isManaged).length, 0)
})

test('an interface that comes late is waited for by name, then used', async () => {
  world.network.removeLink(world.eth0.index)
  const controller = await world.start()
  const { state, problems } = await controller.status()
  assert.equal(state, 'waiting')
  assert.match(problems[0]!.message, /lb1 10\.0\.0\.2|eth0/)
  assert.throws(
    () =>
      controller.trace(
        { address: parseIp('10.9.9.9'), port: 1 },
        { address: parseIp('10.0.0.100'), port: 80 },
      ),
    (e) => e instanceof TenbinError && e.code === 'NOT_APPLIED',
  )
  const eth0 = world.network.addLink({ name: 'eth0', mac: parseMac('02:00:0a:00:00:02') })
  world.host('10.0.0.11', '02:00:0a:00:00:11', eth0)
  await world.settle()
  assert.equal((await controller.status()).state, 'waiting')
  world.address('10.0.0.2/24', eth0)
  world.host('10.0.0.12', '02:00:0a:00:00:12', eth0)
  await world.settle()
  assert.equal((await controller.status()).state, 'forwarding')
  assert.deepEqual(await world.problemCodes(), [])
  assert.ok(world.logged.some((line) => line.includes('over: ')))
})

test('a machine that is none of the nodes waits and says which addresses it looks for', async () => {
  world.text = fileText().replace('lb1: 10.0.0.2', 'lb1: 10.0.0.4')
  await world.start()
  assert.deepEqual(await world.problemCodes(), ['NODE_UNKNOWN'])
  world.address('10.0.0.3/24')
  await world.settle()
  assert.equal((await world.controller.status()).node, 'lb2')
  assert.deepEqual(
    world.held,
    ['10.0.0.2/24 eth0', '10.0.0.3/24 eth0'],
    'only the first node has the addresses',
  )
})

test('a machine that is two of the nodes is refused', async () => {
  world.address('10.0.0.3/24')
  await world.start()
  assert.deepEqual(await world.problemCodes(), ['NODE_AMBIGUOUS'])
})

test('a file with errors at the start is thrown with all findings and touches nothing', async () => {
  world.text = 'services: 7\n'
  await assert.rejects(world.start(), (e) => e instanceof TenbinError && e.code === 'CONFIG_INVALID')
  assert.deepEqual(world.packetPath.calls, [])
  assert.deepEqual(world.held, ['10.0.0.2/24 eth0'])
})

test('a packet path that refuses at the start leaves no address behind', async () => {
  world.packetPath.refusal = new TenbinError('NOT_PERMITTED', 'attach')
  await assert.rejects(world.start(), (e) => e instanceof TenbinError && e.code === 'NOT_PERMITTED')
  assert.deepEqual(world.held, ['10.0.0.2/24 eth0'])
})

test('a start that is refused lets go of its neighbour entries, and of no other', async () => {
  const { network, eth0 } = world
  const managed = () =>
    network
      .listNeighbours(eth0.index)
      .flatMap(({ isManaged, address }) => (isManaged ? formatIp(address) : []))
  // As another instance on this NIC has it.
  network.manageNeighbour(eth0.index, parseIp('10.0.0.11'))
  world.packetPath.refusal = new TenbinError('XDP_OCCUPIED', 'attach')
  await assert.rejects(world.start(), (e) => e instanceof TenbinError && e.code === 'XDP_OCCUPIED')
  assert.deepEqual(managed(), ['10.0.0.11'])
  assert.deepEqual(world.record.links, [])
})

test('servers behind a router, on another interface or on this machine are refused by name', async () => {
  const eth1 = world.network.addLink({ name: 'eth1', mac: parseMac('02:00:0a:00:00:03') })
  const at = (text: string) => parseIp4(text)
  world.network.addRoute({
    ifindex: world.eth0.index,
    destination: at('0.0.0.0'),
    prefix: 0,
    gateway: at('10.0.0.1'),
  })
  world.network.addRoute({ ifindex: eth1.index, destination: at('10.7.0.0'), prefix: 24 })
  const controller = await world.start()
  world.text = `
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [10.0.0.100/32] } }
servers: { far: 10.8.0.1, aside: 10.7.0.1, me: 10.0.0.2, near: 10.0.0.11 }
services: { www: { listen: [10.0.0.100:80], servers: [far, aside, me, near], check: none } }
`
  await assert.rejects(controller.reload('test'), (e) => {
    assert.ok(e instanceof Problems)
    assert.deepEqual(
      e.problems.map(({ code }) => code),
      Array(3).fill('SERVER_OFF_LINK'),
    )
    assert.match(e.problems[0]!.message, /far 10\.8\.0\.1 is behind the router 10\.0\.0\.1/)
    assert.match(e.problems[1]!.message, /aside 10\.7\.0\.1 is behind eth1/)
    assert.match(e.problems[2]!.message, /me 10\.0\.0\.2 is this machine/)
    return true
  })
})

test('when the second of two addresses cannot be added, the first does not stay', async () => {
  const controller = await world.start()
  const { addAddress } = world.network
  world.network.addAddress = function (added) {
    if (formatIp(added.address) === '10.0.0.102') throw new TenbinError('NOT_PERMITTED', 'add address')
    addAddress.call(this, added)
  }
  world.text = fileText({ ips: '10.0.0.100/24, 10.0.0.101/24, 10.0.0.102/24' })
  await assert.rejects(
    controller.reload('test'),
    (e) => e instanceof TenbinError && e.code === 'NOT_PERMITTED',
  )
  assert.deepEqual(world.held, ['10.0.0.2/24 eth0', '10.0.0.100/24 eth0'])
  assert.equal(world.record.addresses.length, 1)
})

test('a move to another interface that is refused leaves nothing there', async () => {
  const controller = await world.start()
  const eth1 = world.network.addLink({ name: 'eth1', mac: parseMac('02:00:0a:00:00:03') })
  world.network.addRoute({ ifindex: eth1.index, destination: parseIp4('10.0.0.0'), prefix: 25 })
  for (const host of [11, 12]) world.host(`10.0.0.${host}`, `02:00:0a:00:00:${host}`, eth1)
  world.packetPath.refusal = new TenbinError('NOT_PERMITTED', 'attach')
  world.text = fileText({ nic: 'eth1' })
  await assert.rejects(
    controller.reload('test'),
    (e) => e instanceof TenbinError && e.code === 'NOT_PERMITTED',
  )
  assert.deepEqual(world.network.listNeighbours(eth1.index), [])
  assert.equal(world.network.listNeighbours(world.eth0.index).filter(({ isManaged }) => isManaged).length, 2)
})

test('a file that needs more memory than there is is refused, and what runs goes on', async () => {
  const controller = await world.start()
  world.memory = { cpus: 2, total: 2 ** 30, available: 2 ** 20, held: [] }
  const before = [...world.packetPath.calls]
  world.text = fileText({ more: 'limits: { flows: 16000000 }' })
  await assert.rejects(
    controller.reload('test'),
    (e) => e instanceof TenbinError && e.code === 'MEMORY_SHORT' && /MiB for flows/.test(e.message),
  )
  assert.deepEqual(world.packetPath.calls, before)
  assert.equal((await controller.status()).lastReload?.problems[0]?.code, 'MEMORY_SHORT')
})

test('a file whose tables no program can reach is refused by name, and what runs goes on', async () => {
  const controller = await world.start()
  const before = [...world.packetPath.calls]
  const nat = fileText({ more: 'limits: { flows: 6700000 }' }).replace(
    'check: none',
    'check: none, forward: nat',
  )
  world.text = nat
  await assert.rejects(
    controller.reload('test'),
    (e) => e instanceof TenbinError && e.code === 'MEMORY_UNREACHABLE' && /table answers/.test(e.message),
  )
  assert.deepEqual(world.packetPath.calls, before)
  world.memory = { cpus: 2, total: 2 ** 34, available: 2 ** 33, held: [] }
  world.text = nat.replace('6700000', '6600000')
  await controller.reload('test')
  assert.notDeepEqual(world.packetPath.calls, before)
})
