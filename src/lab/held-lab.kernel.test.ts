import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { TenbinError } from '../base/errors.ts'
import { createNamed } from '../sys/named-namespace.ts'
import { Lab, requireRoot } from './held-lab.ts'
import { locked } from './lock.ts'
import { identify, isAlive, processesIn } from './processes.ts'
import { sweep } from './remove.ts'
import { requireTools } from './run.ts'
import { isLeftover, labDirectory, labNames, labNamespaces, recall } from './state.ts'
import { TrafficClient } from './traffic-client.ts'
import type { WhoAnswer } from './web-server.ts'

const skip = process.geteuid?.() !== 0 && 'network namespaces need root'

const withCode = (code: string) => (error: unknown) => error instanceof TenbinError && error.code === code

/** assertGone: nothing of the lab is left: no namespace, no state, no file. */
function assertGone(lab: string): void {
  assert.deepEqual(labNamespaces(lab), [])
  assert.equal(recall(lab), undefined)
  assert.equal(existsSync(labDirectory(lab)), false)
}

test('clients reach every server, which says who it is, and nothing is left when the lab goes', {
  skip,
}, async () => {
  let webServers: number
  {
    await using lab = await Lab.hold({ prefix: 'ta', servers: 3 })
    const { process: web } = await lab.startWebServers()
    webServers = web.pid
    for (const node of lab.topology.nodes.filter(({ role }) => role === 'server')) {
      const who = JSON.parse(
        await lab.run('client', ['curl', '-sS', `http://${node.address}/who`]),
      ) as WhoAnswer
      assert.deepEqual([who.server, who.service, who.answers], [node.name, `${node.address}:80`, 1])
      assert.match(who.client, /^10\.0\.0\.200:\d+$/)
    }
    assert.deepEqual(lab.state.processes, [web])
    assert.ok(processesIn([`/run/netns/${lab.topology.switch.namespace}`]).some(({ pid }) => pid === web.pid))
  }
  assertGone('ta')
  assert.equal(identify(webServers), undefined)
})

test('traffic from the client namespace is counted and none fails', { skip }, async () => {
  await using lab = await Lab.hold({ prefix: 'tb', servers: 1 })
  await lab.startWebServers()
  const target = { address: '10.0.0.11', port: 80, ratePerSecond: 500 }
  await using traffic = await TrafficClient.start(lab.topology.nodes[0]!.namespace, target, 20)
  traffic.resume()
  while (traffic.counts.answered < 100) await delay(5)
  const paused = await traffic.pause()
  assert.deepEqual([paused.open, paused.failed], [0, 0])
  const { sent, answered, failed, perServer } = await traffic.stop()
  assert.deepEqual(
    { sent, answered, failed, perServer },
    {
      sent: paused.sent,
      answered: sent,
      failed: 0,
      perServer: { web01: sent },
    },
  )
})

test('frames on the wire are whole: real checksums, nobody but the owner answers ARP, and no IPv6', {
  skip,
}, async () => {
  await using lab = await Lab.hold({ prefix: 'tc', servers: 2 })
  const features = await lab.run('web01', ['ethtool', '-k', 'eth0'])
  for (const name of ['tx-checksumming', 'generic-receive-offload', 'rx-vlan-offload', 'tx-vlan-offload']) {
    assert.match(features, new RegExp(`^${name}: off`, 'm'))
  }
  assert.ok(!(await lab.run('client', ['ip', '-6', 'addr'])).includes('inet6'))
  // lb1 answers ARP (and refuses the connection); nobody claims the service address, which both servers hold.
  for (const address of ['10.0.0.2', '10.0.0.100']) {
    await assert.rejects(
      lab.run('client', ['curl', '-sS', '-m', '1', `http://${address}/`]),
      withCode('LAB_COMMAND_FAILED'),
    )
  }
  const neighbours = JSON.parse(await lab.run('client', ['ip', '-j', 'neigh'])) as {
    dst: string
    lladdr?: string
  }[]
  assert.deepEqual(neighbours.map(({ dst, lladdr }) => [dst, lladdr]).sort(), [
    ['10.0.0.100', undefined],
    ['10.0.0.2', '02:00:0a:00:00:02'],
  ])
})

test('a flooding switch sends frames for one node to all others', { skip }, async () => {
  for (const flooding of [false, true]) {
    await using lab = await Lab.hold({ prefix: 'td', servers: 2, flooding })
    await lab.startWebServers()
    await lab.run('client', ['curl', '-sS', 'http://10.0.0.11/'])
    const before = await received(lab, 'web02')
    await lab.run('client', ['curl', '-sS', ...Array<string>(20).fill('http://10.0.0.11/')])
    const frames = (await received(lab, 'web02')) - before
    assert.ok(flooding ? frames >= 40 : frames < 10, `${frames} frames, flooding ${flooding}`)
  }
})

test('in a pair servers answer from their own address by the router, and from a service address directly', {
  skip,
}, async () => {
  await using lab = await Lab.hold({ prefix: 'tm', servers: 1, pair: true, ipv6: true })
  const wayOf = async (from: string, to: string) =>
    /via \S+ dev \w+|dev \w+/.exec(await lab.run('web01', ['ip', 'route', 'get', to, 'from', from]))?.[0]
  assert.deepEqual(
    [await wayOf('10.0.1.11', '10.0.0.200'), await wayOf('10.0.0.100', '10.0.0.200')],
    ['via 10.0.1.1 dev eth0', 'dev eth1'],
  )
  assert.deepEqual(
    [await wayOf('2001:db8:1::11', '2001:db8::200'), await wayOf('2001:db8::100', '2001:db8::200')],
    ['via 2001:db8:1::1 dev eth0', 'dev eth1'],
  )
  await lab.startWebServers()
  for (const node of ['lb1', 'lb2'])
    assert.match(await lab.run(node, ['curl', '-sS', '-m', '5', 'http://10.0.1.11/']), /^web01$/m)
  // The networks are two: nothing but a router leads from one to the other.
  const reach = lab.run('client', ['curl', '-sS', '-m', '1', 'http://10.0.1.11/'])
  await assert.rejects(reach, withCode('LAB_COMMAND_FAILED'))
})

async function received(lab: Lab, node: string): Promise<number> {
  const [link] = JSON.parse(await lab.run(node, ['ip', '-j', '-s', 'link', 'show', 'eth0'])) as [
    { stats64: { rx: { packets: number } } },
  ]
  return link.stats64.rx.packets
}

test('labs made at the same time get names of their own and do not meet', { skip }, async () => {
  const held = await Promise.all([1, 2, 3].map(() => Lab.hold({ prefix: 'te', servers: 1 })))
  try {
    assert.deepEqual(held.map(({ name }) => name).sort(), ['te', 'te2', 'te3'])
    await held[1]!.startWebServers()
    await held[1]!.run('client', ['curl', '-sS', 'http://10.0.0.11/'])
    // The same address in another lab is another server's: one without a web server.
    await assert.rejects(
      held[0]!.run('client', ['curl', '-sS', 'http://10.0.0.11/']),
      withCode('LAB_COMMAND_FAILED'),
    )
  } finally {
    for (const lab of held) await lab[Symbol.asyncDispose]()
  }
  for (const name of ['te', 'te2', 'te3']) assertGone(name)
})

test('a name that is taken is LAB_EXISTS, and the lab that has it stays', { skip }, async () => {
  await using lab = await Lab.hold({ name: 'tf', servers: 1 })
  await assert.rejects(Lab.hold({ name: 'tf', servers: 1 }), withCode('LAB_EXISTS'))
  assert.equal(labNamespaces('tf').length, lab.topology.nodes.length + 1)
})

test('a lab whose maker is killed in the middle is a leftover, and the next lab removes it', {
  skip,
}, async () => {
  const code = `import { Lab } from ${JSON.stringify(import.meta.resolve('./held-lab.ts'))}
    await Lab.hold({ name: 'tg', servers: 40 })`
  const args = ['--import', 'tsx', '--input-type=module', '-e', code]
  const maker = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const closed = once(maker, 'close')
  while (labNamespaces('tg').length === 0) await delay(1)
  // It stands still until the lock is had, or it might be done; locked, so that no other lab's beginning removes it before
  // it was looked at.
  maker.kill('SIGSTOP')
  await locked(async () => {
    maker.kill('SIGKILL')
    await closed
    assert.ok(isLeftover(recall('tg')!))
  })

  await using lab = await Lab.hold({ name: 'tg', servers: 1 })
  assert.equal(labNamespaces('tg').length, lab.topology.nodes.length + 1)
})

test('processes that others started inside a lab end with it, and no other process does', {
  skip,
}, async () => {
  const outside = spawn('sleep', ['300'], { stdio: 'ignore' })
  try {
    let inside: ReturnType<typeof identify>
    {
      await using lab = await Lab.hold({ prefix: 'th', servers: 1 })
      // Ignores SIGTERM, so that it takes SIGKILL.
      const stubborn = ['sh', '-c', 'trap "" TERM; while :; do sleep 1; done'] as const
      inside = identify(lab.spawn('web01', stubborn, { stdio: 'ignore', detached: true }).pid!)
    }
    assert.ok(inside && !isAlive(inside))
    assert.ok(identify(outside.pid!))
  } finally {
    outside.kill('SIGKILL')
  }
})

test('namespaces whose state was lost are removed before the name is used again', { skip }, async () => {
  createNamed('tenbin-ti-web09')[Symbol.dispose]()
  await using lab = await Lab.hold({ name: 'ti', servers: 1 })
  assert.ok(!labNamespaces(lab.name).includes('tenbin-ti-web09'))
})

test('a network that cannot be built leaves nothing', { skip }, async () => {
  await using other = await Lab.hold({ prefix: 'tj', servers: 1 })
  const { PATH } = process.env
  // Present, but refusing everything: as ip(8) on a kernel without veth.
  const bin = `${other.directory}/bin`
  await other.run('client', ['mkdir', bin])
  for (const tool of ['ip', 'ethtool']) await other.run('client', ['cp', '/bin/false', `${bin}/${tool}`])
  process.env.PATH = `${bin}:${PATH}`
  try {
    await assert.rejects(Lab.hold({ name: 'tk', servers: 1 }), withCode('LAB_COMMAND_FAILED'))
  } finally {
    process.env.PATH = PATH
  }
  assertGone('tk')
})

test('a process that does not start is LAB_PROCESS_FAILED, with its own words', { skip }, async () => {
  await using lab = await Lab.hold({ prefix: 'tl', servers: 1 })
  const squatter = await lab.startWebServers()
  await assert.rejects(
    lab.startWebServers(),
    (error) => withCode('LAB_PROCESS_FAILED')(error) && /EADDRINUSE/.test((error as Error).message),
  )
  assert.ok(isAlive(squatter.process))
})

test('without root it is NOT_PERMITTED, and without its tools LAB_TOOL_MISSING with the packages', () => {
  assert.throws(() => requireRoot(1000), withCode('NOT_PERMITTED'))
  assert.throws(
    () => requireTools('/nonexistent'),
    (error) => withCode('LAB_TOOL_MISSING')(error) && /iproute2 ethtool/.test((error as Error).message),
  )
})

test('a sweep with nothing to sweep removes nothing', { skip }, async () => {
  await using lab = await Lab.hold({ prefix: 'tm', servers: 1 })
  assert.ok(!(await locked(sweep)).includes(lab.name))
  assert.ok(labNames().includes(lab.name))
})
