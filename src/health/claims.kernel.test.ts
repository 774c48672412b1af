// Who answers ARP for a service address: a machine, and a server that has the address on its lo, as two namespaces.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { parseIp } from '../base/addresses.ts'
import { NetworkNamespace } from '../sys/namespace.ts'
import { Reactor } from '../sys/reactor.ts'
import { Claims } from './claims.ts'

const skip = process.getuid?.() === 0 ? false : 'needs root'
const [service, server] = [parseIp('10.0.0.100'), parseIp('10.0.0.11')]
const reactor = new Reactor()
let home: NetworkNamespace
let machine: NetworkNamespace
let other: NetworkNamespace

const ip = (words: string): void => void execFileSync('ip', words.split(' '))
const ignore = (value: number): void =>
  other.run(() => {
    for (const nic of ['all', 'eth0']) writeFileSync(`/proc/sys/net/ipv4/conf/${nic}/arp_ignore`, `${value}`)
  })

before(() => {
  if (skip !== false) return
  home = NetworkNamespace.current()
  other = NetworkNamespace.create()
  machine = NetworkNamespace.create()
  machine.enter()
  ip(`link add eth0 type veth peer name eth0 netns /proc/${process.pid}/fd/${other.fd.number}`)
  ip('addr add 10.0.0.2/24 dev eth0')
  ip('link set eth0 up')
  other.run(() => {
    for (const words of ['addr add 10.0.0.11/24 dev eth0', 'addr add 10.0.0.100/32 dev lo']) ip(words)
    ip('link set lo up')
    ip('link set eth0 address 02:00:00:00:00:11 up')
  })
})
after(() => {
  reactor[Symbol.dispose]()
  if (skip !== false) return
  home.enter()
  for (const each of [machine, other, home]) each[Symbol.dispose]()
})

/** answers: whether the server claims the address within a while after it was asked. */
async function answers(of = service, at = server): Promise<boolean> {
  using claims = new Claims(reactor)
  claims.ask(of, at)
  for (let tries = 0; tries < 20 && !claims.isClaimed(of, at); tries++) await delay(10)
  return claims.isClaimed(of, at)
}

test('a server that answers ARP for the address claims it, and one with arp_ignore=1 does not', {
  skip,
}, async () => {
  assert.equal(await answers(), false, 'its own MAC is not known yet: nobody is asked')
  ip('neigh replace 10.0.0.11 lladdr 02:00:00:00:00:11 dev eth0')
  ignore(0)
  assert.equal(await answers(), true)
  assert.equal(await answers(parseIp('10.0.0.101')), false, 'an address that it has not')
  ignore(1)
  assert.equal(await answers(), false)
  assert.equal(await answers(parseIp('2001:db8::100'), parseIp('2001:db8::11')), false)
})

test('one address is not another, nor one server another’s', { skip }, async () => {
  ignore(0)
  using claims = new Claims(reactor)
  ip('neigh replace 10.0.0.12 lladdr 02:00:00:00:00:12 dev eth0')
  claims.ask(service, parseIp('10.0.0.12'))
  claims.ask(parseIp('10.0.0.101'), server)
  claims.ask(service, server)
  for (let tries = 0; tries < 100 && !claims.isClaimed(service, server); tries++) await delay(10)
  assert.equal(claims.isClaimed(service, server), true)
  assert.equal(claims.isClaimed(service, parseIp('10.0.0.12')), false)
  assert.equal(claims.isClaimed(parseIp('10.0.0.101'), server), false)
})

test('a request that cannot be sent is no finding: nothing is thrown at the check', { skip }, () => {
  using claims = new Claims(reactor)
  execFileSync('prlimit', ['--pid', `${process.pid}`, '--nofile=256:'])
  const all: number[] = []
  try {
    assert.throws(() => {
      for (;;) all.push(openSync('/dev/null', 'r'))
    }, /EMFILE/)
    claims.ask(service, server)
  } finally {
    for (const each of all) closeSync(each)
  }
  assert.equal(claims.isClaimed(service, server), false)
})
