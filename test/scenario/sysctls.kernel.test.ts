// Kernel settings of the file, in a network namespace, through the daemon: set, shown, taken back, with it dead, too; and of
// all settings of the namespace no other is changed in the end.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Status } from '../../src/daemon/api-schema.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { skip } from './support/execute.ts'
import { Tenbin } from './support/tenbin.ts'

const settings = {
  'net.ipv4.ip_forward': 1,
  'net.ipv6.conf.all.forwarding': 1,
  'net.ipv4.ip_nonlocal_bind': 1,
  'net.ipv4.conf.all.send_redirects': 0,
  'net.ipv4.conf.all.rp_filter': 1,
  'net.ipv4.conf.eth0.send_redirects': 0,
  'net.ipv6.conf.eth0.accept_ra': 2,
} as const

const file = (sysctls: object) => `
nodes: { lb1: 10.0.0.2 }
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [10.0.0.100/24] } }
servers: { web01: 10.0.0.11 }
defaults: { forward: nat, check: none }
services: { www: { listen: "10.0.0.100:80", servers: web01 } }
sysctls: ${JSON.stringify(sysctls)}
`

let lab: Lab
let tenbin: Tenbin
let untouched: readonly string[]
before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'sy', servers: 1, ipv6: true })
  tenbin = new Tenbin(lab)
  // so that what the kernel changes beside can be told from what it leaves
  await sysctl('-w', 'net.ipv4.conf.all.accept_redirects=0', 'net.ipv4.conf.eth0.forwarding=1')
  await sysctl('-w', 'net.ipv6.conf.eth0.forwarding=1')
  untouched = await all()
})
after(async () => {
  await lab?.[Symbol.asyncDispose]()
})

const sysctl = (...words: string[]) => lab.run('lb1', ['sysctl', ...words])
/** all: every setting of the namespace that is of addresses, routes and interfaces. */
const all = async (): Promise<readonly string[]> =>
  (await sysctl('-e', '-a', '-r', '^net\\.ipv[46]\\.(conf|ip_|route)')).trim().split('\n').sort()
const settingOf = async (name: string): Promise<string> => (await sysctl('-n', name)).trim()
const changed = async (): Promise<readonly string[]> =>
  (await all()).filter((line) => !untouched.includes(line))
const codes = ({ problems }: Status) => problems.map(({ code }) => code)

test('settings are made at the start, and status shows what they were', { skip }, async () => {
  tenbin.write(file(settings))
  await tenbin.start()
  for (const [name, value] of Object.entries(settings))
    assert.equal(await settingOf(name), String(value), name)
  const status = await tenbin.statusNow()
  assert.deepEqual(codes(status), [])
  assert.deepEqual(
    status.sysctls!.map(({ name, wanted }) => [name, wanted]).sort(),
    Object.entries(settings).sort(),
  )
  assert.ok(status.sysctls!.every(({ wanted, value }) => value === String(wanted)))
  const { out } = await tenbin.cli('status')
  assert.match(out, /setting +net\.ipv4\.ip_forward is 1, was 0/)
})

test('a file without some of them takes these back, and nothing else', { skip }, async () => {
  const { 'net.ipv4.conf.all.rp_filter': one, ...rest } = settings
  await tenbin.apply(file({ 'net.ipv4.conf.all.rp_filter': one }))
  const left = await changed()
  assert.deepEqual(left, ['net.ipv4.conf.all.rp_filter = 1'])
  await tenbin.apply(file(settings))
  for (const [name, value] of Object.entries(rest)) assert.equal(await settingOf(name), String(value), name)
})

test('what somebody else sets is set again within the interval', { skip }, async () => {
  await sysctl('-w', 'net.ipv4.ip_nonlocal_bind=0')
  const start = performance.now()
  while ((await settingOf('net.ipv4.ip_nonlocal_bind')) !== '1') {
    assert.ok(performance.now() - start < 10_000, 'the daemon looks every two seconds')
    await delay(100)
  }
  assert.deepEqual(codes(await tenbin.statusNow()), [])
})

test('down takes all back with the daemon dead, but what somebody else has set', { skip }, async () => {
  await tenbin.kill()
  await sysctl('-w', 'net.ipv4.conf.all.rp_filter=2')
  const { code, out } = await tenbin.cli('down')
  assert.equal(code, 0)
  assert.match(out, /removed setting of net\.ipv4\.ip_forward: 0 again/)
  assert.match(out, /removed setting of net\.ipv4\.conf\.all\.rp_filter: 2 stays, set by somebody else/)
  assert.deepEqual(await changed(), ['net.ipv4.conf.all.rp_filter = 2'])
})
