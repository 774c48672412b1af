import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { parseIp4, parseMac } from '../base/addresses.ts'
import { NetworkNamespace } from './namespace.ts'
import { SOCK_DGRAM, SOCK_RAW, Socket } from './socket.ts'
import {
  AF_INET,
  AF_NETLINK,
  AF_PACKET,
  ip4Address,
  netlinkAddress,
  netlinkPort,
  packetAddress,
  readPacketAddress,
} from './socket-address.ts'
import { isErrno } from './syscall.ts'

/** Runs in a namespace of its own with lo up. */
function inside(work: () => void): void {
  using namespace = NetworkNamespace.create()
  namespace.run(() => {
    execFileSync('ip', ['link', 'set', 'lo', 'up'])
    work()
  })
}
const loopback = parseIp4('127.0.0.1')
const NETLINK_USERSOCK = 2
const ETH_P_ALL = 3

test('a non-blocking socket answers "none" at once, a blocking one after its time-out', () => {
  inside(() => {
    using now = Socket.open(AF_INET, SOCK_DGRAM, 0)
    assert.equal(now.receive(Buffer.alloc(10)), undefined)
    assert.equal(now.receiveWhole(), undefined)
    using patient = Socket.open(AF_INET, SOCK_DGRAM, 0, { blocking: true })
    patient.setTimeouts(50)
    const start = performance.now()
    assert.equal(patient.receive(Buffer.alloc(10)), undefined)
    assert.ok(performance.now() - start >= 45)
    assert.equal(patient.receiveWhole({ wait: false }), undefined)
  })
})

test('datagrams go from socket to socket; a cut one tells its whole length', () => {
  inside(() => {
    using sender = Socket.open(AF_INET, SOCK_DGRAM, 0)
    using receiver = Socket.open(AF_INET, SOCK_DGRAM, 0)
    sender.bind(ip4Address(loopback))
    receiver.bind(ip4Address(loopback, 5000))
    for (const text of ['first', 'second', ''])
      assert.equal(sender.send(Buffer.from(text), receiver.address), true)
    const short = Buffer.alloc(3)
    const { length, from } = receiver.receive(short)!
    assert.deepEqual([short.toString(), length], ['fir', 5])
    assert.deepEqual(from, sender.address)
    assert.equal(receiver.receiveWhole()!.bytes.toString(), 'second')
    assert.equal(receiver.receiveWhole()!.bytes.length, 0)
    assert.equal(receiver.receiveWhole(), undefined)
  })
})

test('failures are thrown with their errno', () => {
  inside(() => {
    using socket = Socket.open(AF_INET, SOCK_DGRAM, 0)
    const nowhere = ip4Address(parseIp4('192.0.2.1'), 9)
    assert.throws(
      () => socket.send(Buffer.from('x'), nowhere),
      (e) => isErrno(e, 'ENETUNREACH'),
    )
    assert.throws(
      () => socket.bind(nowhere),
      (e) => isErrno(e, 'EADDRNOTAVAIL'),
    )
    assert.throws(
      () => socket.send(Buffer.alloc(70_000), ip4Address(loopback, 9)),
      (e) => isErrno(e, 'EMSGSIZE'),
    )
  })
  assert.throws(
    () => Socket.open(255, SOCK_RAW, 0),
    (e) => isErrno(e, 'EAFNOSUPPORT'),
  )
})

test('netlink sockets of one process reach each other and know who sent', () => {
  inside(() => {
    using one = Socket.open(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK)
    using two = Socket.open(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK)
    for (const socket of [one, two]) socket.bind(netlinkAddress())
    const [from, to] = [netlinkPort(one.address), netlinkPort(two.address)]
    assert.ok(from !== 0 && to !== 0 && from !== to)
    one.send(Buffer.from('hello'), netlinkAddress(to))
    const received = two.receiveWhole()!
    assert.equal(received.bytes.toString(), 'hello')
    assert.equal(netlinkPort(received.from), from)
  })
})

/** What arrives next: a busy kernel crosses a cable a moment later. What is sent meanwhile it sends `again`: a cable that was just plugged in may lose it. */
function arriving(socket: Socket, again: () => void = () => undefined) {
  const moment = new Int32Array(new SharedArrayBuffer(4))
  for (let tries = 0; tries < 5_000; tries++) {
    const received = socket.receiveWhole()
    if (received) return received
    if (tries % 250 === 249) again()
    Atomics.wait(moment, 0, 0, 1)
  }
  return assert.fail('nothing arrived within 5 s')
}

test('a frame sent by a packet socket arrives at the other end of a cable, with its sender', () => {
  inside(() => {
    execFileSync('ip', ['link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1'])
    for (const name of ['v0', 'v1']) execFileSync('ip', ['link', 'set', name, 'up', 'arp', 'off'])
    const links = JSON.parse(execFileSync('ip', ['-json', 'link'], { encoding: 'utf8' }))
    const index = (name: string): number => links.find((l: { ifname: string }) => l.ifname === name).ifindex
    const own = parseMac('02:00:00:00:00:0a')
    const frame = Buffer.from('ffffffffffff02000000000a88b5'.padEnd(120, '0'), 'hex')
    using out = Socket.open(AF_PACKET, SOCK_RAW, 0)
    using into = Socket.open(AF_PACKET, SOCK_RAW, 0)
    into.bind(packetAddress({ ifindex: index('v1'), etherType: 0x88b5 }))
    const send = () => out.send(frame, packetAddress({ ifindex: index('v0'), etherType: 0x88b5, mac: own }))
    send()
    const received = arriving(into, send)
    assert.deepEqual(received.bytes, frame)
    assert.deepEqual(readPacketAddress(received.from), { ifindex: index('v1'), etherType: 0x88b5, mac: own })
    out.bind(packetAddress({ ifindex: index('v0'), etherType: ETH_P_ALL }))
    assert.equal(out.send(frame), true)
  })
})

test('buffers grow as asked, beyond the limit where privileges allow, and options are read back', () => {
  inside(() => {
    using socket = Socket.open(AF_INET, SOCK_DGRAM, 0)
    assert.ok(socket.setBufferSize('receive', 8 << 20) >= 8 << 20)
    assert.ok(socket.setBufferSize('send', 1 << 20) >= 1 << 20)
    const [SOL_SOCKET, SO_PRIORITY] = [1, 12]
    socket.setOption(SOL_SOCKET, SO_PRIORITY, 5)
    assert.equal(socket.getOption(SOL_SOCKET, SO_PRIORITY), 5)
    assert.throws(
      () => socket.setOption(SOL_SOCKET, 9999, 1),
      (e) => isErrno(e, 'ENOPROTOOPT'),
    )
  })
})
