// What only a kernel has: its own words, XDP programs, bridges, long tables, and strangers on the netlink family.
// ip(8) is the oracle.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { formatIp, parseIp } from '../../src/base/addresses.ts'
import { handCode, returning } from '../../src/kernel/hand-code.ts'
import { XdpLink } from '../../src/kernel/link.ts'
import { loadProgram } from '../../src/kernel/program.ts'
import { InterfaceFollower } from '../../src/netlink/follow-interface.ts'
import { encodeMessage } from '../../src/netlink/message.ts'
import { NetlinkError } from '../../src/netlink/netlink.ts'
import { next, openListener, openTransport } from '../../src/netlink/route-socket.ts'
import { SOCK_RAW, Socket } from '../../src/sys/socket.ts'
import { AF_NETLINK, netlinkAddress, netlinkPort } from '../../src/sys/socket-address.ts'
import { ipCommand, KernelWorld } from './kernel-world.ts'
import { ip, LINK_NAME, otherMac } from './world.ts'

const own = ip('192.0.2.1')
const host = ip('192.0.2.2')
const json = (...words: string[]) => JSON.parse(ipCommand('-json', ...words))

test("a refusal carries the kernel's own words", () => {
  using world = new KernelWorld()
  const { network, ifindex } = world
  const words = (run: () => void): string => {
    try {
      run()
    } catch (error) {
      assert.ok(error instanceof NetlinkError)
      assert.ok(error.message.endsWith(`${error.errno}: ${error.kernelMessage}`), error.message)
      return `${error.op}: ${error.errno}: ${error.kernelMessage}`
    }
    return assert.fail('it was not refused')
  }
  assert.match(
    words(() => network.addAddress({ ifindex, address: own, prefix: 33 })),
    /^add address 192\.0\.2\.1\/33: EINVAL: ipv4: Invalid prefix length/,
  )
  network.addAddress({ ifindex, address: own, prefix: 24 })
  assert.match(
    words(() => network.addAddress({ ifindex, address: own, prefix: 24 })),
    /^add address 192\.0\.2\.1\/24: EEXIST: ipv4: Address already assigned/,
  )
})

test('an IPv6 route of ours lives as long as was said last, and is one that ip(8) lists', async () => {
  using world = new KernelWorld()
  const { network, ifindex } = world
  const [source, gateway] = [parseIp('2001:db8::1'), parseIp('2001:db8::2')]
  network.addAddress({ ifindex, address: source, prefix: 64, nodad: true })
  await world.until('local', () => network.getRoute(source).kind === 'local')
  const to = { address: parseIp('2001:db8:1::'), length: 48 }
  const route = { ifindex, to, gateway, source }
  type Listed = { gateway: string; prefsrc: string; protocol: string; metric: number; expires: number }
  const listed = () =>
    (json('-6 route show 2001:db8:1::/48') as Listed[]).map(({ expires, ...rest }) => {
      return { ...rest, isShort: expires <= 5, isLong: expires > 90 && expires <= 100 }
    })
  const shown = { gateway: '2001:db8::2', prefsrc: '2001:db8::1', protocol: '116', metric: 1024 }
  network.addStaticRoute({ ...route, validS: 5 })
  const look = (): unknown[] => listed().map((each) => ({ ...each, ...shown }))
  for (const how of [
    { isShort: true, isLong: false },
    { isShort: false, isLong: true },
  ]) {
    if (how.isLong) network.renewStaticRoute({ ...network.listStaticRoutes(ifindex)[0]!, validS: 100 })
    const [one, ...others] = listed()
    assert.deepEqual([one!.isShort, one!.isLong, others], [how.isShort, how.isLong, []])
    assert.deepEqual(look(), listed(), JSON.stringify(listed()))
  }
  // Whose source went away for a moment is not as it was.
  network.removeAddress({ ifindex, address: source, prefix: 64 })
  assert.deepEqual(
    network.listStaticRoutes(ifindex).map((each) => each.source),
    [undefined],
  )
})

test('links, addresses and neighbours are those that ip(8) lists', async () => {
  using world = new KernelWorld()
  const { network, ifindex } = world
  network.addAddress({ ifindex, address: own, prefix: 24 })
  network.addAddress({ ifindex, address: parseIp('2001:db8::1'), prefix: 64, nodad: true })
  world.appear(host)
  network.manageNeighbour(ifindex, host)
  await world.until('resolved', () => network.getNeighbour(ifindex, host)?.mac !== undefined)
  type Listed = { ifindex: number; ifname: string; address: string; mtu: number; flags: string[] }
  const links = (json('link') as Listed[]).map((link) => [
    link.ifindex,
    link.ifname,
    link.address,
    link.mtu,
    link.flags.includes('UP'),
    link.flags.includes('LOWER_UP'),
  ])
  assert.deepEqual(
    network.listLinks().map((link) => [link.index, link.name, link.mac, link.mtu, link.isUp, link.isLowerUp]),
    links,
  )
  type WithAddresses = { addr_info: { local: string; prefixlen: number }[] }
  const addresses = (json('addr show dev', LINK_NAME) as WithAddresses[])[0]!.addr_info
  assert.deepEqual(
    network.listAddresses(ifindex).map(({ address, prefix }) => `${formatIp(address)}/${prefix}`),
    addresses.map(({ local, prefixlen }) => `${local}/${prefixlen}`),
  )
  assert.match(ipCommand('-details neigh show', formatIp(host)), /managed .*proto 116|proto 116.* managed/)
  type Neighbour = { dst: string; lladdr: string; state: string[] }
  const [neighbour] = json('neigh show', formatIp(host)) as Neighbour[]
  const entry = network.getNeighbour(ifindex, host)
  assert.deepEqual([entry?.mac, entry?.state], [neighbour?.lladdr, neighbour?.state[0]])
})

test('an XDP program on a link is seen with its mode, and that it is gone', () => {
  using world = new KernelWorld()
  const { network } = world
  const slots = handCode(...returning(2))
  const spec = { name: 'tb_test', code: slots, relocations: [], maps: [], flags: 0 }
  using loaded = loadProgram(spec).program
  for (const mode of ['native', 'generic'] as const) {
    const link = XdpLink.attach(loaded, { ifindex: world.ifindex, name: LINK_NAME }, mode)
    assert.deepEqual(network.getLink(LINK_NAME)?.xdp, [{ mode, programId: loaded.info.id }])
    link[Symbol.dispose]()
    assert.deepEqual(network.getLink(LINK_NAME)?.xdp, [])
  }
})

test('a link that leaves a bridge is not gone', async () => {
  using world = new KernelWorld()
  const masters: (number | undefined)[] = []
  using follower = new InterfaceFollower(world.network, LINK_NAME, {
    onLink: (link) => {
      assert.ok(link, 'it was believed gone')
      masters.push(link.master)
    },
  })
  ipCommand('link add br0 type bridge')
  ipCommand('link set', LINK_NAME, 'master br0')
  const bridge = world.network.getLink('br0')
  assert.equal(bridge?.kind, 'bridge')
  await world.until('in the bridge', () => masters.at(-1) === bridge?.index)
  ipCommand('link set', LINK_NAME, 'nomaster')
  await world.until('out of it', () => masters.length > 1 && masters.at(-1) === undefined)
  assert.equal(follower.link?.index, world.ifindex)
})

test('a table of many datagrams is read whole', () => {
  using world = new KernelWorld()
  const addresses = Array.from({ length: 900 }, (_, i) => `198.18.${i >> 8}.${i & 255}`)
  const lines = addresses.map(
    (address) => `neigh add ${address} lladdr ${otherMac} dev ${LINK_NAME} nud permanent`,
  )
  execFileSync('ip', ['-batch', '-'], { input: lines.join('\n') })
  const listed = new Set(world.network.listNeighbours(world.ifindex).map(({ address }) => formatIp(address)))
  assert.deepEqual(
    addresses.filter((address) => !listed.has(address)),
    [],
  )
})

test('what somebody else manages is not ours to remove', () => {
  using world = new KernelWorld()
  ipCommand('neigh add', formatIp(host), 'dev', LINK_NAME, 'managed')
  const before = world.network.getNeighbour(world.ifindex, host)
  assert.deepEqual([before?.isManaged, before?.protocol], [true, 0])
  world.network.manageNeighbour(world.ifindex, host)
  assert.equal(world.network.unmanageNeighbour(world.ifindex, host), false)
  assert.equal(world.network.getNeighbour(world.ifindex, host)?.protocol, 0)
})

test('an entry that the kernel made for its own traffic becomes managed, and keeps its MAC', () => {
  using world = new KernelWorld()
  ipCommand('neigh add', formatIp(host), 'lladdr', otherMac, 'dev', LINK_NAME, 'nud stale')
  world.network.manageNeighbour(world.ifindex, host)
  const entry = world.network.getNeighbour(world.ifindex, host)
  assert.deepEqual([entry?.isManaged, entry?.mac], [true, otherMac])
})

test('only the kernel is believed', () => {
  using world = new KernelWorld()
  assert.ok(world.network.getLink(LINK_NAME))
  using listener = openListener([1], 1 << 16)
  using stranger = Socket.open(AF_NETLINK, SOCK_RAW, 0)
  stranger.bind(netlinkAddress())
  const message = encodeMessage({ type: 17, flags: 0, sequence: 0, port: 0, payload: Buffer.alloc(16) })
  assert.equal(stranger.send(message, netlinkAddress(netlinkPort(listener.address))), true)
  // the kernel itself may still tell of the link's carrier
  for (let told = next(listener, false); told; told = next(listener, false))
    assert.notEqual(told.readUInt16LE(4), 17)
  world.setLink({ mtu: 1400 })
  assert.ok(next(listener, false))
})

test('a kernel that does not answer is waited for no longer than the time-out', () => {
  using transport = openTransport(50)
  const start = performance.now()
  assert.equal(transport.receive(), undefined)
  const waited = performance.now() - start
  assert.ok(waited >= 45 && waited < 5000, `${waited} ms`)
})
