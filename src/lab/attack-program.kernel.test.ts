import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatIp, parseIp } from '../base/addresses.ts'
import { isIn, tryPrefix } from '../base/prefix.ts'
import { BpfMap } from '../kernel/map.ts'
import { loadProgram } from '../kernel/program.ts'
import { testRun } from '../kernel/test-run.ts'
import { checksum, pseudoHeaderSum } from '../wire/checksum.ts'
import { decodeEthernet } from '../wire/ethernet.ts'
import { decodeIpv4 } from '../wire/ipv4.ts'
import { decodeIpv6 } from '../wire/ipv6.ts'
import { ether, ipv4, ipv6, packet, tcp } from '../wire/packet.ts'
import { decodeTcp } from '../wire/tcp.ts'
import { attackInput, attackMemory, attackProgram } from './attack-program.ts'
import { attackFrame, FLOODS, type Shape } from './attack-shape.ts'
import { passProgram } from './pass-program.ts'

const skip = process.geteuid?.() !== 0 && 'loading programs needs root'
const XDP_TX = 3
const [XDP_DROP, XDP_PASS] = [1, 2]
const PACKETS = 300
const services = ['10.0.0.100', '2001:db8::100'] as const

/** frames of a shape, as the program sends them one after the other, each over what became of the one before. */
function frames(shape: Shape, address: string, count = PACKETS): Uint8Array[] {
  const frame = attackFrame(shape, { address, port: 80, from: '02:00:0a:00:00:c8' })
  const memory = attackMemory(frame)
  const { spec } = attackProgram(frame, memory)
  using map = BpfMap.create(spec.maps[0]!)
  new Uint8Array(map.memory).set(frame.frame, memory.type.offsets.frame)
  using program = loadProgram(spec, new Map([[memory.name, map]])).program
  const sent = Array.from({ length: count }, () => {
    const { verdict, packet } = testRun(program, { packet: attackInput(frame).fill(0xa5) })
    assert.equal(verdict, XDP_TX)
    assert.equal(packet.length, frame.frame.length)
    return packet
  })
  assert.equal(new BigUint64Array(map.memory, memory.type.offsets.sent, 1)[0], BigInt(count))
  return sent
}

function read(frame: Uint8Array) {
  const { payload } = decodeEthernet(frame)
  const { header: ip, payload: segment } = payload[0]! >> 4 === 4 ? decodeIpv4(payload) : decodeIpv6(payload)
  const protocol = 'protocol' in ip ? ip.protocol : ip.nextHeader
  const start = pseudoHeaderSum(ip.source, ip.destination, protocol, segment.length)
  assert.equal(checksum(segment, start), 0, 'the checksum of the segment')
  if ('ihl' in ip) assert.equal(checksum(payload.subarray(0, 20)), 0, 'the checksum of the header')
  return {
    source: formatIp(ip.source),
    destination: formatIp(ip.destination),
    segment: Buffer.from(segment),
  }
}

for (const address of services)
  for (const flood of FLOODS)
    test(`${flood} to ${address}: every packet is sound, and hardly two are alike`, { skip }, () => {
      const sent = frames({ flood }, address).map(read)
      const sources = new Set(sent.map(({ source }) => source))
      const alike = new Set(sent.map(({ source, segment }) => `${source} ${segment.toString('hex')}`))
      // Of UDP only the source's 8 bits and its port's 16 are random: a fifth pair alike would be a chance below 1e-12.
      assert.ok(alike.size >= PACKETS - 4, `${alike.size} different ones`)
      const isOwn = flood !== 'syn-spoofed' && flood !== 'carpet'
      const networks = isOwn ? ['198.19.0.0/24', '2001:2:0:8000::/120'] : ['198.18.0.0/16', '2001:2::/49']
      for (const source of sources)
        assert.ok(
          networks.some((network) => isIn(parseIp(source), tryPrefix(network)!)),
          source,
        )
      // Of 300 out of 256 or more, fewer than 100 different ones would be a chance of less than 1e-30.
      assert.ok(sources.size >= 100, `${sources.size} sources`)
      const destinations = new Set(sent.map(({ destination }) => destination))
      if (flood === 'carpet') assert.ok(destinations.size >= 100, `${destinations.size} destinations`)
      else assert.deepEqual([...destinations], [address])
    })

test('the shape of that night: a SYN of 40 bytes with window 0, no options, from 65,536 addresses', {
  skip,
}, () => {
  const shape: Shape = { flood: 'syn', window: 0, noOptions: true, spoof: true }
  for (const frame of frames(shape, services[0], 20)) {
    const { header } = decodeTcp(read(frame).segment)
    assert.deepEqual([header.window, header.flags, header.options.length, frame.length], [0, 2, 0, 54])
  }
})

test('what goes to nobody ends at the switch, and nothing else does', { skip }, () => {
  using program = loadProgram(passProgram().spec).program
  const verdictOf = (destination: string) => {
    const ip = destination.includes(':') ? ipv6({ destination }) : ipv4({ destination })
    return testRun(program, { packet: packet(ether({}), ip, tcp({})) }).verdict
  }
  for (const address of ['198.18.0.0', '198.18.255.255', '2001:2::1', '2001:2:0:7fff::1'])
    assert.equal(verdictOf(address), XDP_DROP, address)
  for (const address of [
    '198.17.255.255',
    '198.19.0.1',
    '10.0.0.2',
    '2001:2:0:8000::1',
    '2001:2:1::1',
    '2001:db8::1',
  ])
    assert.equal(verdictOf(address), XDP_PASS, address)
  assert.equal(testRun(program, { packet: new Uint8Array(14) }).verdict, XDP_PASS)
})
