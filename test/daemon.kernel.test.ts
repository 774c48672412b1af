// The daemon on a real kernel, with real traffic:
//
//   client 10.0.0.200 ---.            .--- web01 10.0.0.11
//                        |-- switch --|
//   lb1 10.0.0.2 --------'            '--- web02 10.0.0.12      service 10.0.0.100:80

import assert from 'node:assert/strict'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { after, before, test } from 'node:test'
import { XdpLink } from '../src/kernel/link.ts'
import { PinDirectory } from '../src/kernel/pin.ts'
import { Lab } from '../src/lab/held-lab.ts'
import { labFile } from '../src/lab/lab-file.ts'
import { DaemonNode } from './daemon-process.ts'

const skip = process.geteuid?.() !== 0 && 'network namespaces need root'

let lab: Lab
let lb1: DaemonNode
let file = ''
before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'dk', servers: 2 })
  await lab.startWebServers()
  lb1 = new DaemonNode(lab, 'lb1')
  file = labFile(lab.topology)
  lb1.write(file)
})
after(async () => {
  await lab?.[Symbol.asyncDispose]()
})

const curl = (address = '10.0.0.100') =>
  lab.run('client', ['curl', '-sS', '-m', '3', `http://${address}/`]).then((text) => text.split('\n')[0]!)
const ip = (...args: string[]) => lab.run('lb1', ['ip', ...args])
const held = async () =>
  [...(await ip('-4', '-o', 'addr', 'show', 'eth0')).matchAll(/inet (\S+)/g)].map((m) => m[1])
const pin = () => `/sys/fs/bpf/tenbin/${lb1.instance.name}/link-eth0`
const managed = async () => ((await ip('neigh')).match(/managed/g) ?? []).length

test('the first start forwards and owns the service address', { skip }, async () => {
  await lb1.start()
  assert.match(await curl(), /^web0[12]$/)
  assert.deepEqual(await held(), ['10.0.0.2/24', '10.0.0.100/24'])
  const isShared = async () => (await lb1.status()).servers.every(({ share }) => Math.abs(share - 0.5) < 0.02)
  await lb1.until(isShared, 'both servers have passed their first check')
  const status = await lb1.status()
  assert.deepEqual([status.state, status.problems], ['forwarding', []])
  assert.equal(status.addresses[0]?.owned, true)
  assert.ok(status.servers.every(({ mac }) => mac))
  assert.equal(await managed(), 2)
})

test('a second daemon of the instance, and one of another instance on the interface, are refused', {
  skip,
}, async () => {
  const again = await lb1.tenbin(`run -c ${lb1.file} --state-dir ${lab.directory}`)
  assert.equal(again.code, 1)
  assert.match(again.err, new RegExp(`process ${(await lb1.status()).pid} works for instance`))
  const other = new DaemonNode(lab, 'lb1', `${lab.name}-other`)
  const refused = await other.tenbin(`run -c ${lb1.file} --state-dir ${lab.directory}`)
  assert.equal(refused.code, 1)
  assert.match(refused.err, /eth0/)
  assert.doesNotMatch(refused.err, /\n\s+at /)
  assert.match((await other.tenbin('down')).out, /^nothing of instance/)
  assert.equal(await managed(), 2)
  assert.deepEqual(await held(), ['10.0.0.2/24', '10.0.0.100/24'])
  assert.match(await curl(), /^web0[12]$/)
})

test('a file with errors changes nothing; one without is applied', { skip }, async () => {
  const { program } = await lb1.status()
  lb1.write(file.replace(/web01\.\.02/, 'web01..03'))
  lb1.signal('SIGHUP')
  await lb1.says('not applied')
  assert.deepEqual((await lb1.status()).program, program)
  lb1.write(labFile(lab.topology, { without: ['web02'] }))
  lb1.signal('SIGHUP')
  await lb1.until(async () => (await lb1.status()).lastReload?.done === true, 'the reload is done')
  for (let i = 0; i < 8; i++) assert.equal(await curl(), 'web01')
  lb1.write(file)
  lb1.signal('SIGHUP')
  await lb1.until(async () => (await lb1.status()).servers.length === 2, 'both servers are back')
})

test('killed, it leaves forwarding and says so; started again, it takes over', { skip }, async () => {
  const before = await lb1.status()
  assert.equal(await lb1.end('SIGKILL'), null)
  assert.match(await curl(), /^web0[12]$/)
  const { code, out } = await lb1.tenbin('status')
  assert.equal(code, 3)
  assert.match(out, /forwarding goes on with the last view/)
  assert.match(out, /web01, web02/)
  const from = lb1.log.length
  await lb1.start()
  assert.match(lb1.log.slice(from), /"change":"taken-over"/)
  const { program, interfaces } = await lb1.status()
  assert.deepEqual([interfaces[0], program?.generation], [before.interfaces[0], before.program?.generation])
  assert.equal((await lb1.status()).addresses[0]?.owned, true)
})

test('what somebody takes away is put back: the address, and the program', { skip }, async () => {
  await ip('addr', 'del', '10.0.0.100/24', 'dev', 'eth0')
  await lb1.until(async () => (await held()).includes('10.0.0.100/24'), 'the address is back')
  {
    using link = XdpLink.adopt(PinDirectory.find(lb1.instance.name)!.get('link-eth0')!)
    link.detach()
  }
  await lb1.until(async () => (await ip('link', 'show', 'eth0')).includes('xdp'), 'the program is back')
  rmSync(pin())
  await lb1.until(() => existsSync(pin()), 'the pin is back')
  assert.match(await curl(), /^web0[12]$/)
})

test('a changed MAC of the interface is followed', { skip }, async () => {
  const from = lb1.log.length
  await ip('link', 'set', 'eth0', 'address', '02:00:0a:00:00:77')
  await lb1.says('instead of 02:00:0a:00:00:02', from)
  await lab.run('client', ['ip', 'neigh', 'flush', 'all'])
  await lb1.until(async () => (await curl().catch(() => '')).startsWith('web0'), 'traffic flows again')
  assert.equal((await lb1.status()).interfaces[0]?.mac, '02:00:0a:00:00:77')
})

test('a server that moves to another MAC is followed', { skip }, async () => {
  await lab.run('web02', ['ip', 'link', 'set', 'eth0', 'address', '02:00:0a:00:00:78'])
  // It asks for lb1's MAC, and whoever is asked learns the asker's (RFC 826).
  await lab.run('web02', ['ip', 'neigh', 'flush', 'all'])
  await assert.rejects(lab.run('web02', ['curl', '-sS', '-m', '1', 'http://10.0.0.2:9/']), /refused|connect/)
  await lb1.until(
    async () => (await lb1.status()).servers[1]?.mac === '02:00:0a:00:00:78',
    'the new MAC is known',
  )
})

test('SIGTERM leaves everything; down removes all that is ours and nothing else, and can be repeated', {
  skip,
}, async () => {
  lb1.write(file.replace('10.0.0.100/24]', '10.0.0.100/24, 10.9.0.100/24]'))
  lb1.signal('SIGHUP')
  await lb1.until(async () => (await held()).includes('10.9.0.100/24'), 'a second address is there')
  // Secondary to ours: it would go with it, were promote_secondaries not on for that moment.
  await lab.run('lb1', ['sh', '-c', 'echo 0 > /proc/sys/net/ipv4/conf/eth0/promote_secondaries'])
  await ip('addr', 'add', '10.9.0.2/24', 'dev', 'eth0')
  assert.equal(await lb1.end('SIGTERM'), 0)
  assert.match(await curl(), /^web0[12]$/)

  writeFileSync(lb1.instance.socket, '')
  const { code, out, err } = await lb1.tenbin('down')
  assert.equal(code, 0, err)
  assert.match(out, /removed address 10\.0\.0\.100\/24 on eth0\n/)
  assert.match(out, /removed 2 neighbour entries\n/)
  assert.deepEqual(await held(), ['10.0.0.2/24', '10.9.0.2/24'])
  assert.equal(
    (await lab.run('lb1', ['cat', '/proc/sys/net/ipv4/conf/eth0/promote_secondaries'])).trim(),
    '0',
  )
  assert.equal(await managed(), 0)
  assert.equal(existsSync(dirname(pin())), false)
  assert.doesNotMatch(await ip('link', 'show', 'eth0'), /xdp/)
  assert.equal(existsSync(lb1.instance.runDir), false)
  assert.equal(existsSync(lb1.instance.keys), true)
  const again = await lb1.tenbin('down')
  assert.deepEqual(
    [again.code, again.out],
    [0, `nothing of instance ${lb1.instance.name} is in the kernel\n`],
  )
  assert.equal((await lb1.tenbin('status')).code, 3)
})

test('an interface that comes late, goes and comes back is waited for and taken up again', {
  skip,
}, async () => {
  const late = new DaemonNode(lab, 'lb1', `${lab.name}-late`)
  late.write(`
interfaces: { lan: lan0 }
addresses: { front: { on: lan, ips: [10.7.0.100/24] } }
servers: { web: 10.7.0.11 }
services: { www: { listen: ["10.7.0.100:80"], servers: web, check: none } }
`)
  const addLink = async (mac: string) => {
    await ip('link', 'add', 'lan0', 'address', mac, 'type', 'veth', 'peer', 'name', 'lan1')
    for (const name of ['lan0', 'lan1']) await ip('link', 'set', name, 'up')
    await ip('addr', 'add', '10.7.0.2/24', 'dev', 'lan0')
  }
  const isComplete = async () => {
    const [status, address] = [await late.status(), await ip('-o', 'addr', 'show', 'lan0').catch(() => '')]
    return status.state === 'forwarding' && status.problems.length === 0 && address.includes('10.7.0.100/24')
  }
  await late.start('waits for what the file needs')
  assert.match(
    (await late.status()).problems[0]!.message,
    /interface lan0: this machine has no such interface/,
  )
  await addLink('02:00:0a:07:00:01')
  await late.until(isComplete, 'the late interface forwards')
  await ip('link', 'del', 'lan0')
  await late.until(
    async () => (await late.status()).problems[0]?.code === 'INTERFACE_MISSING',
    'the loss of the interface is told',
  )
  await addLink('02:00:0a:07:00:02')
  await late.until(isComplete, 'the interface that came back forwards')
  assert.equal((await late.status()).interfaces[0]?.mac, '02:00:0a:07:00:02')
  assert.match(await ip('link', 'show', 'lan0'), /xdp/)
  assert.equal(await late.end('SIGTERM'), 0)
  assert.equal((await late.tenbin('down')).code, 0)
})
