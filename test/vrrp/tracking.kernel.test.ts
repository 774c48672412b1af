// What a node's fitness is made of, looked at for real: a link, a file, a script, addresses that answer, the packet path,
// what main says of a service; each a fault or a weight. And what main may order.
//
//   client ---- switch ---- lb1: the vrrp process alone, adverts every 100 ms

import assert from 'node:assert/strict'
import { chmodSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { linkPinOf } from '../../src/engine/link-pins.ts'
import { handCode, returning } from '../../src/kernel/hand-code.ts'
import { XdpLink } from '../../src/kernel/link.ts'
import { ensureBpffs, PinDirectory } from '../../src/kernel/pin.ts'
import { loadProgram } from '../../src/kernel/program.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { findNode, instanceName } from '../../src/lab/topology.ts'
import { KernelNetwork } from '../../src/netlink/kernel-network.ts'
import { openNamed } from '../../src/sys/named-namespace.ts'
import type { SetStatus } from '../../src/vrrp/protocol.ts'
import type { TrackSpec, VrrpSpec } from '../../src/vrrp/spec.ts'
import { skip } from '../scenario/support/execute.ts'
import { VrrpMain } from './vrrp-main.ts'
import { setOf, VrrpNode } from './vrrp-node.ts'

const XDP_PASS = 2
const PRIORITY = 100

let lab: Lab
let node: VrrpNode
let main: VrrpMain
let instance = ''

const rule = (name: string, thing: TrackSpec['thing'], weight: TrackSpec['weight'] = 'fault'): TrackSpec => ({
  ...{ name, thing, weight, riseMs: 0, fallMs: 0 },
})
const specOf = (track: TrackSpec[], withPath = false): VrrpSpec => ({
  sets: [setOf(PRIORITY, { advertMs: 100, track })],
  ...(withPath && { packetPath: { instance } }),
})

const isActive = ({ role, faults }: SetStatus): boolean => role === 'active' && faults.length === 0
const isOut =
  (name: string, text: RegExp) =>
  ({ role, faults }: SetStatus): boolean =>
    role === 'initialize' && faults.some((fault) => fault.name === name && text.test(fault.text))

/** follows: with this rule it has its role, loses it when `fall` is done, and has it again after `rise`. */
async function follows(thing: TrackSpec['thing'], text: RegExp, fall: () => unknown, rise: () => unknown) {
  main.say({ kind: 'spec', spec: specOf([rule('it', thing)]) })
  await main.until(
    `a role with ${thing.kind}`,
    (set) => set.tracks.some(({ name }) => name === 'it') && isActive(set),
  )
  await fall()
  await main.until(`a fault of ${thing.kind}`, isOut('it', text))
  await node.untilSo('no address', async () => (await node.moving()).length === 0)
  await rise()
  await main.until(`a role again with ${thing.kind}`, isActive)
  await node.untilSo('its address', async () => `${await node.moving()}` === '10.0.0.100')
}

before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'vtrack', servers: 1 })
  instance = instanceName(lab.name, 'lb1')
  node = new VrrpNode(lab, 'lb1', specOf([]))
  await node.until('active')
  main = await VrrpMain.reach(node.socket)
})
after(async () => {
  main?.[Symbol.dispose]()
  await node?.[Symbol.asyncDispose]()
  await lab?.[Symbol.asyncDispose]()
})

test('a file that is there takes the role away', { skip }, async () => {
  const path = join(lab.directory, 'stop')
  const put = () => writeFileSync(path, '')
  await follows({ kind: 'file', path }, /stop is there/, put, () => rmSync(path))
})

test('a script that fails takes the role away, and is told by its words', { skip }, async () => {
  const path = '/tmp/tenbin-vrrp-script'
  // replaced: what is being run cannot be written (ETXTBSY)
  const say = (words: string) => {
    writeFileSync(`${path}.new`, `#!/bin/sh\n${words}\n`)
    chmodSync(`${path}.new`, 0o755)
    renameSync(`${path}.new`, path)
  }
  say('exit 0')
  const thing = { kind: 'script', command: [path], user: 'nobody', everyMs: 100, timeoutMs: 5000 } as const
  const isNobody = 'test "$(id -un)" = nobody || exit 7'
  try {
    await follows(
      { ...thing, command: [...thing.command] },
      /exit 3: "out of luck"/,
      () => say(`${isNobody}\necho out of luck\nexit 3`),
      () => say(isNobody),
    )
  } finally {
    rmSync(path, { force: true })
  }
})

test('a script is not protected when memory is short, and what it leaves behind ends', { skip }, async () => {
  const [path, seen] = ['/tmp/tenbin-vrrp-leaves', '/tmp/tenbin-vrrp-leaves.seen']
  const left = () =>
    readdirSync('/proc').filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1') === 'sleep\x0051.51\0'
      } catch {
        return false
      }
    })
  writeFileSync(seen, '')
  chmodSync(seen, 0o666)
  writeFileSync(
    path,
    `#!/bin/sh\ncat /proc/self/oom_score_adj > ${seen}\nsetsid sleep 51.51 > /dev/null 2>&1 &\nsleep 0.05\n`,
    { mode: 0o755 },
  )
  chmodSync(path, 0o755)
  const thing = { kind: 'script', command: [path], user: 'nobody', everyMs: 100, timeoutMs: 5000 } as const
  try {
    main.say({ kind: 'spec', spec: specOf([rule('it', { ...thing, command: [path] })]) })
    let said = ''
    const isSaid = () => {
      said = readFileSync(seen, 'latin1')
      return said.endsWith('\n')
    }
    await node.untilSo('a look', () => isSaid() && left().length > 0)
    assert.equal(said, '0\n')
    main.say({ kind: 'spec', spec: specOf([]) })
    await node.untilSo('nothing that is left', () => left().length === 0)
  } finally {
    for (const each of [path, seen]) rmSync(each, { force: true })
  }
})

test('addresses of which none answers take the role away', { skip }, async () => {
  const set = (state: string) => () => lab.run('client', ['ip', 'link', 'set', 'eth0', state])
  await follows(
    { kind: 'reach', addresses: ['10.0.0.200'], everyMs: 100 },
    /^none of 10\.0\.0\.200 answers: echo reply timed out/,
    set('down'),
    set('up'),
  )
})

test('a link of another NIC takes the role away, a service that main tells of too', { skip }, async () => {
  await lab.run('lb1', ['ip', 'link', 'add', 'back0', 'type', 'veth', 'peer', 'name', 'back1'])
  for (const nic of ['back0', 'back1']) await lab.run('lb1', ['ip', 'link', 'set', nic, 'up'])
  const set = (state: string) => () => lab.run('lb1', ['ip', 'link', 'set', 'back0', state])
  await follows({ kind: 'link', nic: 'back0' }, /back0 is down/, set('down'), set('up'))

  const tell = (isUp: boolean) => main.say({ kind: 'tracked', name: 'it', isUp })
  main.say({ kind: 'spec', spec: specOf([rule('it', { kind: 'service' })]) })
  tell(true)
  await follows(
    { kind: 'service' },
    /quorum/,
    () => tell(false),
    () => tell(true),
  )
})

test('weights are taken off the priority while something is down, or added while it is up', {
  skip,
}, async () => {
  const path = join(lab.directory, 'weight')
  const thing = { kind: 'file', path } as const
  main.say({ kind: 'spec', spec: specOf([rule('off', thing, -30), rule('on', thing, 20)]) })
  await main.until('both weights', ({ priority }) => priority === PRIORITY + 20)
  writeFileSync(path, '')
  const { role } = await main.until('other weights', ({ priority }) => priority === PRIORITY - 30)
  assert.equal(role, 'active')
  rmSync(path)
  await main.until('the weights again', ({ priority }) => priority === PRIORITY + 20)
})

test('a packet path that is not there, or was detached, is a fault that nobody needs to name', {
  skip,
}, async () => {
  main.say({ kind: 'spec', spec: specOf([], true) })
  await main.until('a fault', isOut('packet-path', /eth0 does not run/))
  ensureBpffs()
  const pins = PinDirectory.open(instance)
  using place = openNamed(findNode(lab.topology, 'lb1').namespace)
  const code = handCode(...returning(XDP_PASS))
  using program = loadProgram({ name: 'tenbin_pass', code, relocations: [], maps: [], flags: 0 }).program
  using link = place.run(() => {
    using network = new KernelNetwork()
    return XdpLink.attach(program, { ifindex: network.getLink('eth0')!.index }, 'native')
  })
  try {
    pins.pin(linkPinOf('eth0'), link.fd)
    await main.until('a role', isActive)
    link.detach()
    await main.until('a fault again', isOut('packet-path', /eth0 does not run/))
  } finally {
    pins.remove()
  }
})

test('main orders: a role is given up and not taken, for good or for a while; a hold says until when', {
  skip,
}, async () => {
  main.say({ kind: 'spec', spec: specOf([]) })
  await main.until('a role', isActive)
  main.say({ kind: 'order', order: 'maintenance', holdMs: 0 })
  await main.until('maintenance', isOut('maintenance', /maintenance/))
  await node.end('SIGKILL')
  node.again()
  main[Symbol.dispose]()
  let again: VrrpMain | undefined
  await node.untilSo('its socket', async () => {
    again = await VrrpMain.reach(node.socket).catch(() => undefined)
    return again !== undefined
  })
  main = again!
  await main.until('maintenance still', isOut('maintenance', /maintenance/))
  main.say({ kind: 'order', set: 'front', order: 'resume', holdMs: 0 })
  await main.until('a role', isActive)
  main.say({ kind: 'order', order: 'yield', holdMs: 60_000 })
  const yielded = await main.until('the hold', ({ heldUntil }) => heldUntil !== undefined)
  assert.ok(yielded.heldUntil! > Date.now() + 30_000)
  // nobody else is there: silence waits for nothing
  await main.until('a role', isActive)
  main.say({ kind: 'hold', ms: 0 })
  await main.until('no hold', ({ heldUntil }) => heldUntil === undefined)
  main.say({ kind: 'stop' })
  await node.untilSo('no address', async () => (await node.moving()).length === 0)
})
