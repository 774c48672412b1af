// What is on the wire, seen by tcpdump at the client, at the servers, at the node and in the switch: every frame whole,
// where it belongs, and no frame that does not belong anywhere.
//
//              .-- client
//   switch ----+-- lb1: tenbin, holds 10.0.0.100; its own kernel answers ARP, ping and port 2222 there
//              '-- web01..03: nginx

import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { after, before, test } from 'node:test'
import { parseIp4, parseMac } from '../../src/base/addresses.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { findNode, type LabNode, SWITCH } from '../../src/lab/topology.ts'
import { webServer } from '../../src/lab/web-server.ts'
import { openNamed } from '../../src/sys/named-namespace.ts'
import { arpOperation } from '../../src/wire/arp.ts'
import { updateChecksum } from '../../src/wire/checksum.ts'
import { icmpType } from '../../src/wire/icmp.ts'
import { ipProtocol } from '../../src/wire/ipv4.ts'
import type { TcpFields } from '../../src/wire/layer.ts'
import { arp, ether, icmp, ipv4, packet, tcp } from '../../src/wire/packet.ts'
import { tcpFlag } from '../../src/wire/tcp.ts'
import { Capture } from './support/capture.ts'
import { checksums } from './support/checksums.ts'
import { allClosed } from './support/closed.ts'
import { skip } from './support/execute.ts'
import { serverNames, tenbinFile } from './support/file.ts'
import { from, type Read, send, to } from './support/frames.ts'
import { networkCounters, pick } from './support/network-counters.ts'
import { startNginx } from './support/nginx.ts'
import { Tenbin } from './support/tenbin.ts'

const SERVICE = '10.0.0.100'
const LISTENER = `${SERVICE}:80`
const OWN_PORT = 2222
const REQUESTS = 60

let lab: Lab
let tenbin: Tenbin
let own: Server
const macOf = (name: string): string => (findNode(lab.topology, name) as LabNode).mac

before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'wi', servers: 3 })
  await startNginx(lab)
  tenbin = new Tenbin(lab)
  tenbin.write(tenbinFile(lab.topology, { www: { listen: [LISTENER], servers: serverNames(lab.topology) } }))
  await tenbin.start()
  using node = openNamed(findNode(lab.topology, 'lb1').namespace)
  own = webServer('the node itself').server
  await once(
    node.run(() => own.listen({ port: OWN_PORT })),
    'listening',
  )
})
after(async () => {
  own?.close()
  await lab?.[Symbol.asyncDispose]()
})

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const isTcp = (frame: Read): boolean => frame.tcp !== undefined
const outcomes = async () => (await tenbin.statusNow()).outcomes

/** forwarded: the frame that dsr makes of this one. */
function forwarded({ bytes, ip }: Read, server: string): Uint8Array {
  const out = Uint8Array.from(bytes)
  const view = new DataView(out.buffer)
  out.set(Buffer.from(macOf(server).replaceAll(':', ''), 'hex'), 0)
  out.set(Buffer.from(macOf('lb1').replaceAll(':', ''), 'hex'), 6)
  const before = view.getUint16(22)
  out[22] = ip!.ttl - 1
  view.setUint16(24, updateChecksum(ip!.checksum, before, view.getUint16(22)))
  return out
}

/** assertChecksums: tshark has checked every checksum of the capture and found none wrong. */
async function assertChecksums(file: string, segments: number): Promise<void> {
  assert.deepEqual(await checksums(lab, file), { right: segments, rightErrors: 0, wrong: [] })
}

test('real requests: every frame is whole, reaches exactly its server with TTL less one, and nothing else is there', {
  skip,
}, async () => {
  const curl = (...words: string[]) => lab.run('client', ['curl', '-sS', '-m', '20', ...words])
  // So that the switch has heard of everybody: it floods what it does not know.
  await curl(`http://${LISTENER}/`)
  const servers = serverNames(lab.topology)
  const atClient = await Capture.of(lab, 'client')
  const atNode = await Capture.of(lab, 'lb1', 'client')
  const behindNode = await Capture.into(lab, 'lb1')
  const atServers = await Promise.all(servers.map((name) => Capture.of(lab, name, 'lb1')))

  const urls = Array<string>(REQUESTS).fill(`http://${LISTENER}/`)
  const answers = (await curl('-H', 'Connection: close', ...urls)).trim().split('\n')
  assert.equal(answers.length, REQUESTS)
  assert.deepEqual([...new Set(answers)].sort(), servers)
  // Kept open, with large answers; and a body towards the server.
  const file = `http://${LISTENER}/file`
  await curl('-r', '0-300000', '-o', '/dev/null', file, '-o', '/dev/null', file)
  await curl('-o', '/dev/null', '--data-binary', `@${atClient.file}`, file)
  await allClosed(lab, 'client')

  // In the order in which frames pass, so that each capture has what the one before has.
  const frames = new Map<string, readonly Read[]>([['lb1', await atNode.stop()]])
  const throughNode = (await behindNode.stop()).filter(isTcp)
  for (const [at, name] of servers.entries()) frames.set(name, await atServers[at]!.stop())
  frames.set('client', await atClient.stop())

  const client = frames.get('client')!.filter(isTcp)
  const requests = client.filter((frame) => from(frame).startsWith('10.0.0.200:'))
  const replies = client.filter((frame) => to(frame).startsWith('10.0.0.200:'))
  assert.equal(client.length, requests.length + replies.length)
  assert.ok(requests.length > 5 * REQUESTS && replies.length > 2 * REQUESTS)
  assert.ok(requests.every((frame) => to(frame) === LISTENER && frame.ip!.ttl === 64))

  // At the client: answers from the service address, straight from a server, and no RST.
  const serverMacs = servers.map(macOf)
  for (const frame of replies) {
    assert.equal(from(frame), LISTENER)
    assert.ok(serverMacs.includes(frame.ether.source))
    assert.deepEqual([frame.ip!.ttl, frame.tcp!.flags & tcpFlag.RST], [64, 0])
  }

  // At the servers: byte for byte what the client sent, but for MACs, TTL and header checksum; one flow, one server.
  const arrived: string[] = []
  const serverOf = new Map<string, string>()
  for (const name of servers) {
    const all = frames.get(name)!.filter(isTcp)
    const received = all.filter((frame) => frame.ether.destination === macOf(name))
    const sent = all.filter((frame) => frame.ether.source === macOf(name))
    assert.equal(all.length, received.length + sent.length, `${name} saw what was not for it`)
    assert.ok(sent.every((frame) => frame.ether.destination === macOf('client')))
    for (const frame of received) {
      assert.equal(to(frame), LISTENER)
      assert.equal(serverOf.get(from(frame)) ?? name, name, 'one flow at two servers')
      serverOf.set(from(frame), name)
      arrived.push(hex(frame.bytes))
    }
  }
  const expected = requests.map((frame) => hex(forwarded(frame, serverOf.get(from(frame))!)))
  assert.deepEqual(arrived.sort(), expected.sort())
  assert.deepEqual(throughNode.map(({ bytes }) => hex(bytes)).sort(), expected)

  // At the node: its kernel saw nothing of it. Besides TCP there is ARP and nothing else anywhere.
  assert.deepEqual(frames.get('lb1')!.filter(isTcp), [])
  for (const [name, all] of frames) {
    assert.ok(
      all.every((frame) => isTcp(frame) || frame.arp !== undefined),
      `${name} has something else`,
    )
  }
  await assertChecksums(atClient.file, client.length)
  for (const [at, name] of servers.entries())
    await assertChecksums(atServers[at]!.file, frames.get(name)!.filter(isTcp).length)
  assert.deepEqual(pick(await networkCounters(lab, 'client'), 'Tcp.AttemptFails', 'Tcp.EstabResets'), {
    'Tcp.AttemptFails': 0,
    'Tcp.EstabResets': 0,
  })
})

test('ARP and ping for the service address are answered by the node, once', { skip }, async () => {
  const destination = macOf('lb1')
  const [clientMac, clientIp] = [macOf('client'), '10.0.0.200']
  await using capture = await Capture.of(lab, 'client')
  const ask = { senderMac: clientMac, senderIp: clientIp, targetIp: SERVICE }
  const words = 'seven and forty bytes'
  send(lab, 'client', [
    packet(ether({ destination: 'ff:ff:ff:ff:ff:ff', source: clientMac }), arp(ask)),
    packet(
      ether({ destination, source: clientMac }),
      ipv4({ source: clientIp, destination: SERVICE }),
      icmp({ rest: 0x00470001 }),
      words,
    ),
  ])
  await lab.run('client', ['curl', '-sS', `http://${SERVICE}:${OWN_PORT}/`])
  const frames = (await capture.stop()).filter((frame) => frame.ether.destination === clientMac)
  const replies = frames.flatMap(({ arp: reply }) =>
    reply?.operation === arpOperation.REPLY && reply.senderIp === parseIp4(SERVICE) ? [reply.senderMac] : [],
  )
  assert.deepEqual(replies, [parseMac(destination)])
  const pongs = frames.filter(({ ip }) => ip?.protocol === ipProtocol.ICMP)
  assert.equal(pongs.length, 1)
  assert.equal(pongs[0]!.ether.source, destination)
  assert.equal(pongs[0]!.bytes[34], icmpType.ECHOREPLY)
  assert.ok(Buffer.from(pongs[0]!.bytes).includes(words))
})

test('another port of the service address is the node’s own, untouched', { skip }, async () => {
  const before = await outcomes()
  await using atClient = await Capture.of(lab, 'client')
  await using atNode = await Capture.of(lab, 'lb1', 'client')
  const url = `http://${SERVICE}:${OWN_PORT}/`
  assert.equal(await lab.run('client', ['curl', '-sS', url]), 'the node itself\n')
  await assert.rejects(lab.run('client', ['curl', '-sS', `http://${SERVICE}:81/`]), /connect/)
  const isSent = (frame: Read) => isTcp(frame) && frame.ether.source === macOf('client')
  const [sent, seen] = [(await atClient.stop()).filter(isSent), (await atNode.stop()).filter(isSent)]
  assert.ok(sent.length > 4)
  assert.deepEqual(
    seen.map(({ bytes }) => hex(bytes)),
    sent.map(({ bytes }) => hex(bytes)),
  )
  const now = await outcomes()
  assert.equal(Number(now['no-listener']) - Number(before['no-listener']), sent.length)
  assert.equal(now.forwarded, before.forwarded)
})

test('what a listener cannot be sent is dropped and counted, and the node’s kernel never sees it', {
  skip,
}, async () => {
  const link = { destination: macOf('lb1'), source: macOf('client') }
  const ends = { source: '10.0.0.200', destination: SERVICE }
  const syn: TcpFields = { source: 41_000, destination: 80, flags: tcpFlag.SYN }
  const whole = packet(ether(link), ipv4(ends), tcp(syn))
  // Each of them would be answered by a kernel that has no such listener, or kept for its other fragments.
  const hostile: Readonly<Record<string, readonly Uint8Array[]>> = {
    'tiny-fragment': [
      packet(ether(link), ipv4({ ...ends, identification: 7, moreFragments: true }), tcp(syn)).subarray(
        0,
        50,
      ),
      packet(ether(link), ipv4({ ...ends, identification: 7, fragmentOffset: 1, protocol: 6 }), 'the rest'),
    ],
    // with options, as the sender of others is told
    ttl: [0, 1].map((ttl) =>
      packet(ether(link), ipv4({ ...ends, ttl, options: new Uint8Array(4) }), tcp(syn)),
    ),
    'bad-length': [packet(ether(link), ipv4({ ...ends, totalLength: 1500 }), tcp(syn))],
    truncated: [whole.subarray(0, 50)],
  }
  const before = await outcomes()
  const kernelBefore = await networkCounters(lab, 'lb1')
  await using atNode = await Capture.of(lab, 'lb1', 'client')
  await using fromNode = await Capture.into(lab, 'lb1')
  // At the node's own port of the switch: a bridge itself drops what lies about its length.
  for (const frames of Object.values(hostile)) send(lab, SWITCH, frames, 'lb1')
  const stray = (frames: readonly Read[]) => frames.filter(({ arp: isArp }) => isArp === undefined)
  assert.deepEqual(stray(await atNode.stop()), [])
  assert.deepEqual(stray(await fromNode.stop()), [])

  const now = await outcomes()
  const grown = Object.keys(now).filter((name) => now[name] !== before[name] && name !== 'not-ip')
  assert.deepEqual(grown.sort(), Object.keys(hostile).sort())
  for (const [name, frames] of Object.entries(hostile))
    assert.equal(Number(now[name]) - Number(before[name]), frames.length, name)
  const names = ['Ip.InReceives', 'Ip.ReasmReqds', 'Tcp.InSegs', 'Tcp.OutRsts', 'Icmp.OutMsgs']
  const kernelNow = await networkCounters(lab, 'lb1')
  assert.deepEqual(pick(kernelNow, ...names), pick(kernelBefore, ...names))
})
