import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { parseIp } from '../base/addresses.ts'
import { IpSocket } from './ip-socket.ts'
import { NetworkNamespace } from './namespace.ts'
import { isErrno } from './syscall.ts'

const skip = process.geteuid?.() !== 0 && 'raw sockets need root'
/** Numbers for experiments (RFC 3692 2.1). */
const PROTOCOL = 253
const LOOPBACK = { name: 'lo', index: 1 }

function inside(work: () => void): void {
  using namespace = NetworkNamespace.create()
  namespace.run(() => {
    execFileSync('ip', ['link', 'set', 'lo', 'up'])
    work()
  })
}

for (const [family, own] of [
  [4, '127.0.0.1'],
  [6, '::1'],
] as const)
  test(`what an IPv${family} header said comes with what it carried`, { skip }, () => {
    inside(() => {
      using from = new IpSocket({ family, protocol: PROTOCOL, nic: LOOPBACK })
      using to = new IpSocket({ family, protocol: PROTOCOL, nic: LOOPBACK })
      const address = parseIp(own)
      from.speakFrom(address, 77)
      assert.equal(to.receive(), undefined)
      assert.equal(from.send(Buffer.from('hello'), address), true)
      const packet = to.receive()!
      assert.deepEqual(
        { ...packet, bytes: Buffer.from(packet.bytes).toString() },
        { source: address, destination: address, ttl: 77, bytes: 'hello' },
      )
      assert.equal(to.receive(), undefined)
      // Longer than there is room for: it is left out, and what comes behind it is not.
      from.send(Buffer.alloc(10_000), address)
      from.send(Buffer.from('again'), address)
      assert.equal(Buffer.from(to.receive()!.bytes).toString(), 'again')
    })
  })

test('groups are joined on the NIC alone; a NIC that is not there, or an address that is not ours, is refused', {
  skip,
}, () => {
  inside(() => {
    for (const [family, group] of [
      [4, '224.0.0.18'],
      [6, 'ff02::12'],
    ] as const) {
      using _ = new IpSocket({ family, protocol: PROTOCOL, nic: LOOPBACK, group: parseIp(group) })
      const joined = execFileSync('ip', [`-${family}`, 'maddr', 'show', 'dev', 'lo'], { encoding: 'utf8' })
      assert.ok(joined.includes(group), joined)
    }
    assert.throws(
      () => new IpSocket({ family: 4, protocol: PROTOCOL, nic: { name: 'none', index: 9 } }),
      (error) => isErrno(error, 'ENODEV'),
    )
    using socket = new IpSocket({ family: 4, protocol: PROTOCOL, nic: LOOPBACK })
    assert.throws(
      () => socket.speakFrom(parseIp('192.0.2.1'), 255),
      (error) => isErrno(error, 'EADDRNOTAVAIL'),
    )
  })
})
