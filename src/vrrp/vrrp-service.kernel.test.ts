// The service in a namespace of its own, with its rtnl process: which is killed, and stopped.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { NetworkNamespace } from '../sys/namespace.ts'
import { Reactor } from '../sys/reactor.ts'
import { type RoleChange, type SetStatus, VRRP_PROTOCOL } from './protocol.ts'
import { setSpec } from './spec.fixture.ts'
import type { SetSpec } from './spec.ts'
import { VrrpService } from './vrrp-service.ts'

const skip = process.geteuid?.() !== 0 && 'network namespaces need root'
const DEADLINE_MS = 20_000
const ip = (line: string): string => execFileSync('ip', line.split(' '), { encoding: 'utf8' })

let dir: string
let namespace: NetworkNamespace
let reactor: Reactor
let service: VrrpService
const roles: RoleChange[] = []

before(() => {
  if (skip) return
  namespace = NetworkNamespace.create()
  namespace.enter()
  for (const line of ['link add eth0 type veth peer name eth1', 'link set eth1 up', 'link set eth0 up'])
    ip(line)
  ip('addr add 10.0.0.2/24 dev eth0')
  dir = mkdtempSync(join(tmpdir(), 'vrrp-service-'))
  reactor = new Reactor()
  service = begin()
  advertise(1000, '10.0.0.100')
})
after(async () => {
  if (skip) return
  await service.end()
  reactor[Symbol.dispose]()
  namespace[Symbol.dispose]()
  rmSync(dir, { recursive: true })
})

/** begin: as a process that starts. */
function begin(): VrrpService {
  return new VrrpService({
    ...{ reactor, kept: join(dir, 'vrrp.json'), counter: join(dir, 'boots') },
    onRole: (change) => roles.push(change),
    onFinding: () => undefined,
    onOther: () => undefined,
    log: () => undefined,
  })
}

function order(set: SetSpec): void {
  service.obey({ v: VRRP_PROTOCOL, kind: 'spec', spec: { sets: [set] } })
}

/** advertise every so often for these addresses, as their owner, who is active at once. */
function advertise(advertMs: number, ...addresses: readonly string[]): void {
  order(setSpec({ advertMs, priority: 255 }, { addresses: addresses.map((each) => `${each}/24`) }))
}

async function until(what: string, isSo: (set: SetStatus) => boolean): Promise<void> {
  for (const deadline = Date.now() + DEADLINE_MS; !isSo(service.status()[0]!); await delay(10))
    if (Date.now() > deadline) throw new Error(`no sign of ${what}: ${JSON.stringify(service.status())}`)
}

const isHeld = (address = '10.0.0.100'): boolean => ip('-4 -o addr show dev eth0').includes(` ${address}/24 `)

/** rtnlPid: of the process that asks the kernel, as this one's child. */
function rtnlPid(): number | undefined {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'latin1')
  return children
    .split(' ')
    .filter(Boolean)
    .map(Number)
    .find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('rtnl-process'))
}

test('killed, another rtnl process takes the addresses again, and no role changes', { skip }, async () => {
  await until('its role', ({ role }) => role === 'active')
  await until('its address', () => isHeld())
  const { length } = roles
  const first = rtnlPid()!
  process.kill(first, 'SIGKILL')
  await until('another process', () => ![undefined, first].includes(rtnlPid()))
  await until('no problem', () => service.problems().length === 0)
  await until('its address', () => isHeld())
  assert.equal(roles.length, length)
})

test('while one that is stopped answers nothing adverts leave; then others are told; it is replaced', {
  skip,
}, async () => {
  advertise(100, '10.0.0.100', '10.0.0.101')
  await until('the other address', () => isHeld('10.0.0.101'))
  const first = rtnlPid()!
  const { sent } = service.status()[0]!.counters
  process.kill(first, 'SIGSTOP')
  await until('adverts', ({ counters }) => counters.sent >= sent + 10)
  assert.equal(service.status()[0]!.role, 'active')
  await until('the fault', ({ faults }) => /kernel did not answer/.test(faults[0]?.text ?? ''))
  assert.equal(service.status()[0]!.role, 'initialize')
  await until('the end of its address', () => !isHeld())
  await until('another process', () => ![undefined, first].includes(rtnlPid()))
  await until('its role', ({ role }) => role === 'active')
  await until('its address', () => isHeld())
})

test('a set that becomes another one goes on being active, on a node that owns no address', {
  skip,
}, async () => {
  const addresses = { addresses: ['10.0.0.100/24'] }
  order(setSpec({ advertMs: 100 }, addresses))
  await until('its role', ({ role }) => role === 'active')
  for (const change of [{ vrid: 52 }, { version: 2 } as const]) {
    const { length } = roles
    order(setSpec({ advertMs: 1000, ...change }, addresses))
    await until('its role', ({ role }) => role === 'active')
    await until('its address', () => isHeld())
    assert.deepEqual(
      roles.slice(length).map(({ to, why }) => [to, why.name]),
      [
        ['initialize', 'shutdown'],
        ['active', 'succeeded'],
      ],
    )
  }
})

test('whom nobody is to preempt is known to a process that starts, and to a set that becomes another one', {
  skip,
}, async () => {
  const hold = (ms: number) => service.obey({ v: VRRP_PROTOCOL, kind: 'hold', set: 'front', ms })
  const isHeldOff = () => (service.status()[0]!.heldUntil ?? 0) > Date.now() + 50_000
  hold(60_000)
  await service.end()
  service = begin()
  assert.equal(isHeldOff(), true)
  order(setSpec({ advertMs: 1000, vrid: 53 }, { addresses: ['10.0.0.100/24'] }))
  assert.equal(isHeldOff(), true)
  hold(0)
  assert.equal(isHeldOff(), false)
  await service.end()
  service = begin()
  assert.equal(isHeldOff(), false)
})
