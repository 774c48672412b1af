import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatIp, type Ip, type Ip4, type Ip6, parseIp, parseMac } from '../base/addresses.ts'
import { load } from '../config/load.ts'
import { textReader } from '../config/reader.ts'
import { addressesOf } from '../config/state.ts'
import { FakeNetwork } from '../netlink/fake.ts'
import { examine } from './examine.ts'
import { firstFile } from './first-file.ts'
import { firstNetwork } from './first-network.ts'

/** machine: its NICs by name, each with its addresses; the first one has a default route by `gateway`. */
function machine(nics: Readonly<Record<string, readonly string[]>>, ...gateways: readonly string[]) {
  const network = new FakeNetwork()
  for (const [i, [name, addresses]] of Object.entries(nics).entries()) {
    const { index } = network.addLink({ name, mac: parseMac(`02:00:00:00:00:0${i + 1}`) })
    for (const text of addresses) {
      const [address, prefix] = text.split('/')
      network.addAddress({ ifindex: index, address: parseIp(address!), prefix: Number(prefix), protocol: 3 })
    }
    if (i > 0) continue
    for (const gateway of gateways.map(parseIp)) {
      const destination = (typeof gateway === 'number' ? 0 : 0n) as Ip
      network.addRoute({ ifindex: index, destination, prefix: 0, gateway })
    }
  }
  return network
}

const written = (network: FakeNetwork, host = 'lb7.example.net') => firstFile(firstNetwork(network), host)
const read = (text: string) => load('t', textReader({ t: text }))

/** checked: what `tenbin check` says of the text on that machine. */
function checked(network: FakeNetwork, text: string): string[] {
  const { errors, warnings, isHere } = examine(read(text), { network }, 2)
  assert.ok(isHere || warnings.length > 0 || errors.length > 0)
  return [...errors, ...warnings].map(({ message }) => message)
}

/** withIp6: the text with its IPv6 lines no longer behind `#`. */
const withIp6 = (text: string): string => text.replaceAll(/^( *)# (- "|six|www6:| {2}[lsfc]\w+: )/gm, '$1$2')

const addressesIn = (text: string) => {
  const { nodes, addressSets, servers } = read(text)
  const services = addressSets.flatMap((set) => addressesOf(set).map(({ address }) => address))
  return { own: nodes[0]!.address, services, servers: servers.map(({ address }) => address) }
}

test('the file is right as it is, and says which NIC it took, whose network, and what is guessed', () => {
  const network = machine({ eth0: ['10.1.2.3/24'] }, '10.1.2.1')
  const { text, marks } = written(network)
  assert.deepEqual(checked(network, text), [])
  assert.match(text, /\n {2}lb7: 10\.1\.2\.3\n/)
  assert.match(text, /\n# {5}eth0 {2}10\.1\.2\.3\/24, default route by 10\.1\.2\.1\n/)
  assert.match(text, /\n {6}- 10\.1\.2\.100\/24 # <-- an address of this network that nobody has\n/)
  assert.match(text, /\n {2}web01\.\.03: 10\.1\.2\.11\.\.13 # <-- /)
  assert.ok(read(text).defence)
  assert.equal(read(text.replace('# defence: off', 'defence: off')).defence, undefined)
  assert.equal(marks, 3)
  assert.equal(text.match(/# <-- /g)!.length, marks)
  for (const line of text.split('\n')) assert.ok(line.length <= 120, line)
})

test('IPv6 stands behind the comment signs where there is IPv4, and is right without them', () => {
  const network = machine({ eth0: ['10.1.2.3/24', '2001:db8:7::3/64', 'fe80::3/64'] }, '10.1.2.1')
  const { text } = written(network)
  assert.deepEqual(checked(network, text), [])
  assert.equal(addressesIn(text).services.length, 1)
  const both = withIp6(text)
  assert.deepEqual(checked(network, both), [])
  assert.deepEqual(addressesIn(both).services.map(formatIp), ['10.1.2.100', '2001:db8:7::100'])
  assert.deepEqual(addressesIn(both).servers.slice(3).map(formatIp), [
    '2001:db8:7::11',
    '2001:db8:7::12',
    '2001:db8:7::13',
  ])
})

test('a machine with IPv6 alone gets a file of IPv6', () => {
  const network = machine({ ens3: ['2001:db8:7::/64', 'fe80::3/64'] }, 'fe80::1')
  const { text } = written(network)
  assert.deepEqual(checked(network, text), [])
  assert.match(text, /\n {2}lb7: "2001:db8:7::"\n/)
  assert.match(text, /ip address add 2001:db8:7::100\/128 dev lo\n/)
  assert.doesNotMatch(text, /arp/)
})

test('of several NICs that with the default route is taken, and the others are listed with what they are', () => {
  const network = machine({ eth1: [], eth0: ['10.0.0.2/24'] })
  const far = network.addLink({ name: 'wan0', mac: parseMac('02:00:00:00:00:09') })
  network.addAddress({ ifindex: far.index, address: parseIp('203.0.113.9'), prefix: 28, protocol: 0 })
  const port = network.addLink({ name: 'port0', mac: parseMac('02:00:00:00:00:0a'), master: far.index })
  network.addAddress({ ifindex: port.index, address: parseIp('10.7.0.2'), prefix: 24, protocol: 0 })
  assert.match(written(network).text, /lan: eth0\n/, 'the first with an address')
  const gateway = parseIp('203.0.113.1')
  network.addRoute({ ifindex: far.index, destination: 0 as Ip4, prefix: 0, gateway })
  const { text } = written(network)
  assert.match(text, /lan: wan0\n/)
  assert.match(text, /wan0 is taken, as the default route leaves by it/)
  assert.match(text, /\n# {5}eth0 {2}10\.0\.0\.2\/24\n/)
  assert.match(text, /\n# {5}eth1 {2}no address\n/)
  assert.doesNotMatch(text, /port0/)
  assert.deepEqual(checked(network, text), [])
})

test('addresses that somebody has are not proposed', () => {
  const network = machine({ eth0: ['10.1.2.11/24', '10.1.2.100/24'] }, '10.1.2.12')
  const { index } = network.getLink('eth0')!
  for (const host of ['10.1.2.101', '10.1.2.15']) {
    network.setHost(index, parseIp(host), parseMac('02:00:00:00:01:01'))
    network.manageNeighbour(index, parseIp(host))
  }
  network.deliver()
  const { services, servers } = addressesIn(written(network).text)
  assert.deepEqual(services.map(formatIp), ['10.1.2.102'])
  assert.deepEqual(servers.map(formatIp), ['10.1.2.16', '10.1.2.17', '10.1.2.18'])
})

test('a service address of a running tenbin is not taken for the node’s own', () => {
  const network = machine({ eth0: [] }, '10.1.2.1')
  const { index } = network.getLink('eth0')!
  network.addAddress({ ifindex: index, address: parseIp('10.1.2.100'), prefix: 24 })
  network.addAddress({ ifindex: index, address: parseIp('10.1.2.3'), prefix: 24, protocol: 0 })
  assert.equal(formatIp(addressesIn(written(network).text).own), '10.1.2.3')
})

test('a network without room for others is said, and the file can be read all the same', () => {
  for (const own of ['10.1.2.3/32', '10.1.2.2/31', '10.1.2.2/30', '2001:db8::1/128']) {
    const network = machine({ eth0: [own] }, own.includes(':') ? 'fe80::1' : '10.1.2.1')
    const { text, marks } = written(network)
    assert.match(text, /has no room for others: an address of the network of your servers/, own)
    assert.equal(marks, 3)
    assert.equal(read(text).servers.length, 3)
  }
  const { servers } = addressesIn(written(machine({ eth0: ['10.1.2.2/29'] }, '10.1.2.1')).text)
  assert.equal(servers.length, 3)
})

test('a machine without an NIC, or without an address, gets a file with more arrows', () => {
  for (const nics of [{}, { eth0: [] }] as const) {
    const { text, marks } = written(machine(nics))
    assert.equal(marks, 'eth0' in nics ? 4 : 5, text)
    assert.equal(read(text).nodes.length, 1)
  }
})

test('a name that cannot name a node is not used', () => {
  for (const host of ['1host', 'localhost_', 'ホスト', ''])
    assert.match(written(machine({ eth0: ['10.1.2.3/24'] }), host).text, /\n {2}lb1: /)
})

test('whatever the address and its prefix length, the file can be read, with IPv6 as well', () => {
  const ip4 = fc.record({
    address: fc.integer({ min: 0x01000000, max: 0xdfffffff }).filter((n) => n >>> 24 !== 127),
    prefix: fc.integer({ min: 8, max: 32 }),
  })
  const ip6 = fc.record({
    address: fc.bigInt({ min: 0x2000n << 112n, max: (0x3fffn << 112n) | ((1n << 112n) - 1n) }),
    prefix: fc.integer({ min: 16, max: 128 }),
  })
  fc.assert(
    fc.property(fc.option(ip4), fc.option(ip6), (four, six) => {
      const addresses = [four, six].flatMap((each) =>
        each ? [`${formatIp(each.address as Ip4 | Ip6)}/${each.prefix}`] : [],
      )
      const network = machine({ eth0: addresses })
      const found = firstNetwork(network)
      const { text } = firstFile(found, 'lb1')
      const first = found.ip4 ?? found.ip6
      assert.ok(!first || addressesIn(text).own === first.own)
      if (found.ip4?.room && found.ip6?.room) read(withIp6(text))
    }),
    { numRuns: 300 },
  )
})
