// What the daemon tells and what it holds to, against what real requests meet: trace and status, bad files, servers
// that fall silent, move or come back, and everything that somebody else may do to the node meanwhile.
//
//            .-- client
//   switch --+-- lb1: tenbin, 10.0.0.100; 10.0.0.101 was there before it
//            '-- web01..03: web servers that answer who they are

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Status, type TraceAnswer, traceSchema } from '../../src/daemon/api-schema.ts'
import { machineMemory } from '../../src/daemon/machine-memory.ts'
import { handCode, returning } from '../../src/kernel/hand-code.ts'
import { XdpLink } from '../../src/kernel/link.ts'
import { PinDirectory } from '../../src/kernel/pin.ts'
import { loadProgram } from '../../src/kernel/program.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { writeSysctls } from '../../src/lab/run.ts'
import { findNode } from '../../src/lab/topology.ts'
import { type Ended, execute, skip } from './support/execute.ts'
import { serverNames, tenbinFile } from './support/file.ts'
import { networkCounters, pick } from './support/network-counters.ts'
import { plug, unplug } from './support/replug.ts'
import { Tenbin, tenbin as tenbinLine } from './support/tenbin.ts'

const LISTENER = '10.0.0.100:80'
const CLIENT = '10.0.0.200'
const DEADLINE_MS = 30_000
const XDP_PASS = 2

let lab: Lab
let tenbin: Tenbin
let all: readonly string[]
let nextPort = 20_000

before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'da', servers: 3, services: 2 })
  await lab.startWebServers()
  await ip('addr', 'add', '10.0.0.101/24', 'dev', 'eth0')
  // The kernel doubts its neighbours after half a second instead of half a minute, but still asks only every 5 s; three
  // questions 300 ms apart are enough for a machine with much else to do.
  const neighbours = 'net/ipv4/neigh/eth0'
  writeSysctls(findNode(lab.topology, 'lb1').namespace, {
    [`${neighbours}/base_reachable_time_ms`]: '400',
    [`${neighbours}/delay_first_probe_time`]: '0',
    [`${neighbours}/retrans_time_ms`]: '300',
  })
  all = serverNames(lab.topology)
  tenbin = new Tenbin(lab)
  tenbin.write(fileOf(all))
  await tenbin.start()
})
after(async () => {
  await lab?.[Symbol.asyncDispose]()
})

const ip = (...words: string[]) => lab.run('lb1', ['ip', ...words])
const fileOf = (servers: readonly string[]) =>
  tenbinFile(lab.topology, { www: { listen: [LISTENER], servers } }, without(servers))
const without = (servers: readonly string[]) =>
  serverNames(lab.topology).filter((name) => !servers.includes(name))
const status = async () => tenbin.statusNow()
const serverIn = ({ servers }: Status, name: string) => servers.find((each) => each.name === name)!
const held = async () =>
  [...(await ip('-4', '-o', 'addr', 'show', 'eth0')).matchAll(/inet (\S+)/g)].map((found) => found[1])

/** until waits for a truth and says how many milliseconds that took. */
async function until(what: string, isTrue: () => Promise<boolean>): Promise<number> {
  const start = performance.now()
  while (!(await isTrue())) {
    if (performance.now() - start > DEADLINE_MS) throw new Error(`not in time: ${what}`)
    await delay(20)
  }
  return performance.now() - start
}

/** requests from new ports: which server answered each, an empty name where none did. */
async function requests(count: number): Promise<Map<number, string>> {
  const ports = Array.from({ length: count }, () => nextPort++)
  const words = ports.flatMap((port) => [
    ...['--next', '-sS', '-m', '2', '-H', 'Connection: close', '--local-port', String(port)],
    ...['-w', `#${port}\n`, `http://${LISTENER}/`],
  ])
  const { out } = await execute(lab, 'client', ['curl', ...words.slice(1)])
  return new Map(ports.map((port) => [port, new RegExp(`^(\\w+)\n#${port}$`, 'm').exec(out)?.[1] ?? '']))
}

/** assertTraced: every request goes where trace says, to one of these servers. */
async function assertTraced(servers: readonly string[], count = 40): Promise<void> {
  await until('their MACs are known', async () => {
    const now = await status()
    return servers.every((name) => serverIn(now, name).mac !== undefined)
  })
  const answers = await requests(count)
  for (const [port, server] of answers) {
    const trace = await tenbin.trace(`${CLIENT}:${port}`, LISTENER)
    assert.deepEqual([trace.outcome, trace.server], ['forwarded', server], trace.steps.join(' '))
  }
  assert.deepEqual([...new Set(answers.values())].sort(), servers)
}

const isAnswered = async () => [...(await requests(1)).values()][0] !== ''

/** traces of many flows: the slot of each, and who gets it when it begins. */
async function traces(): Promise<Pick<TraceAnswer, 'slot' | 'current'>[]> {
  const found: Pick<TraceAnswer, 'slot' | 'current'>[] = []
  for (let at = 0; at < 200; at++) {
    const { slot, current } = await tenbin.trace(`192.0.2.${at}:${1000 + at}`, LISTENER)
    found.push({ slot, current })
  }
  return found
}

beforeEach(() => {
  if (!skip) tenbin.write(fileOf(all))
})

test('trace says where a request goes, and status counts what went', { skip }, async () => {
  const before = await status()
  await assertTraced(all, 60)
  const now = await status()
  const grown = (of: (status: Status) => string) => Number(of(now)) - Number(of(before))
  const forwarded = grown(({ outcomes }) => outcomes.forwarded!)
  assert.ok(forwarded >= 60 * 5, `${forwarded} packets`)
  assert.equal(
    grown(({ services }) => services[0]!.packets),
    forwarded,
  )
  const perServer = all.map((name) => grown((each) => serverIn(each, name).packets))
  assert.ok(perServer.every((packets) => packets > 0))
  assert.equal(
    perServer.reduce((sum, packets) => sum + packets),
    forwarded,
  )

  const [[port, server]] = [...(await requests(1))] as [[number, string]]
  const told = await tenbin.cli('trace', `${CLIENT}:${port}`, LISTENER, '--json')
  assert.deepEqual([told.code, traceSchema.parse(JSON.parse(told.out)).server], [0, server])
  const elsewhere = await tenbin.cli('trace', `${CLIENT}:${port}`, '10.0.0.100:81')
  assert.equal(elsewhere.code, 1)
  assert.match(elsewhere.out, /no-listener/)
})

test('memory is the same in check, in status and in the kernel', { skip }, async () => {
  const { maps, memoryBytes } = (await status()).program!
  const words = ['check', tenbin.file, '--instance', tenbin.instance, '--json']
  const { code, out } = await execute(lab, 'lb1', tenbinLine(words))
  assert.equal(code, 0, out)
  const { uses } = JSON.parse(out) as { uses: { maps: typeof maps; memoryBytes: number } }
  assert.deepEqual(uses.maps, maps)
  assert.equal(uses.memoryBytes, memoryBytes)
  const held = machineMemory(tenbin.instance).held!
  for (const { name, bytes } of maps) {
    const found = held.find((each) => each.name === name)!
    // tries grow up to what is said
    if (name.startsWith('lists')) assert.ok(found.bytes <= bytes, name)
    else assert.equal(Math.ceil(found.bytes / 4096) * 4096, bytes, name)
  }
  assert.deepEqual(machineMemory('nobody').held, [])
})

test('a server that leaves the file and comes back has its slots again', { skip }, async () => {
  const before = await traces()
  await tenbin.apply(fileOf(['web01', 'web03']))
  await assertTraced(['web01', 'web03'])
  assert.equal((await status()).servers.length, 2)
  const meanwhile = await traces()
  assert.notDeepEqual(meanwhile, before)
  await tenbin.apply(fileOf(all))
  await assertTraced(all)
  assert.deepEqual(await traces(), before)
})

test('a bad file changes nothing, all that is wrong is told, and a daemon does not start with it', {
  skip,
}, async () => {
  const before = await status()
  const bad = fileOf(all)
    .replace(`"${LISTENER}"`, `"${LISTENER}", "${LISTENER}", "10.0.0.100:0"`)
    .replace('"servers": [', '"servers": ["web09",')
    .replace('"forward": "dsr"', '"forwad": "dsr"')
  const wrong = [/forwad/, /10\.0\.0\.100:80/, /no port/, /web09/]
  const assertFound = (problems: Status['problems']) => {
    for (const finding of wrong)
      assert.ok(
        problems.some(
          ({ message, file, line }) => finding.test(message) && file === tenbin.file && line! > 0,
        ),
        `${finding} in ${JSON.stringify(problems)}`,
      )
  }
  await assert.rejects(tenbin.apply(bad), (error: { code: string; problems: Status['problems'] }) => {
    assert.equal(error.code, 'CONFIG_INVALID')
    assertFound(error.problems)
    return true
  })
  const told = before.lastReload?.at ?? ''
  process.kill(before.pid, 'SIGHUP')
  await until('the refusal is in status', async () => {
    const { lastReload } = await status()
    return lastReload!.at > told && !lastReload!.done && lastReload!.problems.length >= wrong.length
  })
  const now = await status()
  assertFound(now.lastReload!.problems)
  assert.deepEqual([now.program, now.services[0]!.listeners], [before.program, [LISTENER]])
  await assertTraced(all)

  // A restart runs what was applied last, and says that the file is another one.
  await tenbin.kill()
  assert.deepEqual((await tenbin.start()).program, before.program)
  await until('the edit is told', async () =>
    (await status()).problems.some(({ code }) => code === 'FILE_NOT_APPLIED'),
  )
  assert.ok(await isAnswered())
  tenbin.write(fileOf(all))
  await until('the file is what runs', async () => (await status()).problems.length === 0)
})

test('a second daemon, of this instance (DAEMON_RUNNING) or on this interface (XDP_OCCUPIED), is refused', {
  skip,
}, async () => {
  const before = await status()
  const assertRefused = ({ code, err }: Ended, why: RegExp) => {
    assert.equal(code, 1)
    assert.match(err, why)
    assert.doesNotMatch(err, /\n\s+at /)
  }
  assertRefused(await tenbin.refusal(), new RegExp(`instance ${tenbin.instance}`))
  assertRefused(await tenbin.refusal('second'), new RegExp(`instance ${tenbin.instance} forwards there`))
  assert.equal(existsSync('/sys/fs/bpf/tenbin/second'), false)
  assert.deepEqual((await status()).program, before.program)
  assert.ok(await isAnswered())
})

test('a server that falls silent is unusable, status says why, and nobody is sent to it until it answers', {
  skip,
}, async () => {
  const before = await traces()
  const silent = async (...names: string[]) => {
    const now = await status()
    return names.every((name) => serverIn(now, name).mac === undefined)
  }
  await lab.run('web02', ['ip', 'link', 'set', 'eth0', 'down'])
  await until('web02 is unusable', () => silent('web02'))
  const { why, share } = serverIn(await status(), 'web02')
  assert.match(why!, /no answer to ARP/)
  assert.equal(share, 0)
  assert.match((await tenbin.cli('status')).out, /web02.*no answer to ARP/)
  await assertTraced(['web01', 'web03'])
  // Only the slots of the silent one are with others.
  const meanwhile = await traces()
  for (const [at, flow] of before.entries()) {
    if (flow.current === 'web02') assert.notEqual(meanwhile[at]!.current, 'web02')
    else assert.deepEqual(meanwhile[at], flow)
  }

  // Killed and started again, the daemon still knows, or finds out.
  await tenbin.kill()
  await tenbin.start((now) => serverIn(now, 'web02').mac === undefined)
  assert.ok(await isAnswered())

  for (const name of ['web01', 'web03']) await lab.run(name, ['ip', 'link', 'set', 'eth0', 'down'])
  await until('no server is left', () => silent(...all))
  const kernel = await networkCounters(lab, 'lb1')
  const dropped = Number((await status()).outcomes['no-server'])
  assert.deepEqual([...(await requests(2)).values()], ['', ''])
  assert.ok(Number((await status()).outcomes['no-server']) > dropped)
  const segments = ['Tcp.InSegs', 'Tcp.OutRsts']
  assert.deepEqual(pick(await networkCounters(lab, 'lb1'), ...segments), pick(kernel, ...segments))

  for (const name of all) await lab.run(name, ['ip', 'link', 'set', 'eth0', 'up'])
  await until('all are back', async () => (await status()).servers.every(({ mac }) => mac !== undefined))
  assert.deepEqual(await traces(), before)
  await assertTraced(all)
})

test('a server whose MAC changes is followed: at once where it says so, else when the kernel has asked', {
  skip,
}, async () => {
  const changed = async (name: string, mac: string) => {
    await lab.run(name, ['ip', 'link', 'set', 'eth0', 'address', mac])
    const tookMs = await until(
      `the new MAC of ${name} is known`,
      async () => serverIn(await status(), name).mac === mac,
    )
    await assertTraced(all)
    return tookMs
  }
  writeSysctls(findNode(lab.topology, 'web01').namespace, { 'net/ipv4/conf/eth0/arp_notify': '1' })
  const tookMs = await changed('web01', '02:00:0a:00:00:77')
  assert.ok(tookMs < 4000, `${tookMs} ms`)
  await changed('web03', '02:00:0a:00:00:78')
})

test('down is refused while the daemon runs; with it dead it takes away all that is ours and nothing else', {
  skip,
}, async () => {
  const before = await traces()
  const refused = await tenbin.cli('down')
  assert.equal(refused.code, 1)
  assert.match(refused.err, new RegExp(`process ${(await status()).pid} `))
  assert.ok(await isAnswered())

  await tenbin.kill()
  const { code, out, err } = await tenbin.cli('down')
  assert.equal(code, 0, err)
  assert.match(out, /removed address 10\.0\.0\.100\/24 on eth0\n/)
  assert.doesNotMatch(out, /10\.0\.0\.101/)
  assert.deepEqual(await held(), ['10.0.0.2/24', '10.0.0.101/24'])
  assert.doesNotMatch(await ip('-d', 'link', 'show', 'eth0'), /xdp/)
  assert.doesNotMatch(await ip('neigh'), /managed/)
  for (const path of [tenbin.pins, tenbin.socket]) assert.equal(existsSync(path), false, path)
  assert.equal(await isAnswered(), false)
  assert.match((await tenbin.cli('down')).out, /^nothing of instance/)

  await tenbin.start()
  assert.deepEqual(await traces(), before)
  await assertTraced(all)
})

test('another program on the link, and another interface under the same name, are put right', {
  skip,
}, async () => {
  const before = await status()
  {
    const code = handCode(...returning(XDP_PASS))
    using stranger = loadProgram({ name: 'stranger', code, relocations: [], maps: [], flags: 0 }).program
    using link = XdpLink.adopt(PinDirectory.find(tenbin.instance)!.get('link-eth0')!)
    link.update(stranger)
    assert.equal(link.info().programId, stranger.info.id)
  }
  await until('our program is back', isAnswered)
  const { outcomes, interfaces } = await status()
  assert.ok(Number(outcomes.forwarded) > Number(before.outcomes.forwarded))

  await unplug(lab, 'lb1')
  await until('the loss is told', async () =>
    (await status()).problems.some(({ code }) => code === 'INTERFACE_MISSING'),
  )
  await plug(lab, 'lb1')
  await until('the new interface forwards', async () => {
    const now = await status()
    return (
      now.problems.length === 0 &&
      now.interfaces[0]!.index !== interfaces[0]!.index &&
      now.servers.every(({ mac }) => mac)
    )
  })
  // 10.0.0.101 was not tenbin's; now it is, because nobody else put it there again.
  // Who comes first, the node's own or the services' address, is a race.
  assert.deepEqual(new Set(await held()), new Set(['10.0.0.100/24', '10.0.0.101/24', '10.0.0.2/24']))
  await assertTraced(all)
})
