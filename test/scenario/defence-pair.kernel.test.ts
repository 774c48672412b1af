// A pair that defends itself and records: what was recorded around a flood, or before servers failed, is on both nodes, also
// when the one that recorded it is gone; what an operator orders on one node holds on both, over a restart and a failover.
//
//   front 10.0.0.0/24 --+-- client
//                       +-- lb1, lb2: tenbin; 10.0.0.100 is on one of them
//                       '-- web01, web02; the flood comes in at the port of whoever has the address

import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { capture } from '../../src/cli/captured.ts'
import { capturesSchema } from '../../src/daemon/api-capture.ts'
import { eventsSchema } from '../../src/daemon/api-events.ts'
import { type FloodAnswer, floodOrderSchema, floodSchema } from '../../src/daemon/api-flood.ts'
import { Attack } from '../../src/lab/attack.ts'
import { findNode, type LabNode } from '../../src/lab/topology.ts'
import { cutNode, killNode } from '../../src/lab/trouble.ts'
import { execute, skip } from './support/execute.ts'
import { Pair, type PairNode } from './support/pair.ts'

const SERVICE = '10.0.0.100'
/** The flood's sources (src/lab/attack-shape.ts), and its SYNs a second. */
const ATTACKERS = '198.18.0.0/15'
const PER_S = 5_000
const file = `
nodes: { lb1: 10.0.0.2, lb2: 10.0.0.3 }
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [${SERVICE}/24], vrid: 61, prefer: lb1, advert: 300ms } }
servers: { web01..02: 10.0.0.11..12 }
defaults: { forward: dsr, check: { tcp: {}, every: 300ms, timeout: 300ms, fall: 2 } }
services: { www: { listen: ["${SERVICE}:80"], servers: web01..02 } }
defence: { proof: off, rules: { bare-syn: off }, recorder: { memory: 4MiB, disk: 8MiB, around: 1s } }
`
let pair: Pair
let attack: Attack | undefined
before(async () => {
  if (skip) return
  pair = await Pair.hold({ prefix: 'records', servers: 2, balancers: 2 }, file)
  await pair.start()
  await pair.leads('lb1')
})
after(async () => {
  await attack?.[Symbol.asyncDispose]()
  await pair?.[Symbol.asyncDispose]()
})

const connect = (seconds = 5) =>
  execute(pair.lab, 'client', ['curl', '-s', '-m', `${seconds}`, '-o', '/dev/null', `http://${SERVICE}/`])
/** ask the daemon of a node for what it recorded. */
const ask = (node: PairNode, ...words: readonly string[]) =>
  capture(['capture', '--socket', pair[node].socket, ...words])
/** read a capture in another program's eyes; throws where it complains. */
async function read(...command: readonly [string, ...string[]]): Promise<string[]> {
  const { out, err, code } = await execute(pair.lab, 'client', command)
  assert.equal(code, 0, err)
  return out.trimEnd().split('\n')
}
const tshark = (path: string, ...fields: readonly string[]): Promise<string[]> =>
  read('tshark', '-nr', path, '-T', 'fields', ...fields.flatMap((field) => ['-e', field]))
const floods = (node: PairNode) => pair[node].ask({ path: '/v1/flood', reply: floodSchema })
const events = async (node: PairNode, kind: string) =>
  (await pair[node].ask({ path: '/v1/events', reply: eventsSchema })).events.filter(
    (each) => each.kind === kind,
  )
/** order something on lb1. */
const order = (path: string, query: Record<string, string>, body?: object) =>
  pair.lb1.ask({
    ...{ method: 'POST', path: `/v1/flood/${path}`, query, reply: floodOrderSchema },
    ...(body && { body }),
  })
/** capturesOn a node's disk, its own or those that the other one has sent it, of this kind of event. */
function capturesOn(node: PairNode, of: PairNode, kind: string): string[] {
  const here = join(pair.lab.directory, `${pair[node].instance}.captures`)
  const folder = node === of ? here : join(here, 'nodes', of)
  const names = existsSync(folder) ? readdirSync(folder) : []
  return names.filter((name) => name.includes(kind)).map((name) => join(folder, name))
}
/** ordersOf what a node is defended by: of rules those by hand. */
const ordersOf = ({ rules, bans, services }: FloodAnswer) => ({
  rules: rules.filter(({ from }) => from === 'hand').map(({ name, action }) => `${name} ${action}`),
  bans: bans.map(({ source }) => source),
  proof: services.map(({ proof }) => proof),
})

test('a connection is in the capture: its SYN as it came, with the server that it went to', {
  skip,
}, async () => {
  for (let i = 0; i < 10; i++) assert.equal((await connect()).code, 0)
  const path = join(pair.lab.directory, 'asked.pcapng')
  const { code, err } = await ask('lb1', '--last', '30s', '-w', path, 'service', 'www', 'flags', 'syn')
  assert.deepEqual([code, err], [0, `10 packets written to ${path}\n`])
  const fields = ['ip.dst', 'ip.ttl', 'ip.checksum.status', 'tcp.flags', 'frame.interface_name'] as const
  for (const line of await tshark(path, ...fields, 'frame.comment'))
    assert.match(
      line,
      /^10\.0\.0\.100\t64\t\d\t0x0*2\teth0\tverdict=forwarded service=www server=web0[12] kind=new$/,
    )
  const other = await ask('lb2', '--last', '30s', 'service', 'www', 'flags', 'syn')
  assert.deepEqual([other.code, other.out], [0, ''])
})

test('a rule that is observed counts and says whom it would take; then it acts, and is gone when it is removed', {
  skip,
}, async () => {
  const { address } = findNode(pair.lab.topology, 'client') as LabNode
  const rule = { tcp: 'syn', source: address, action: 'drop' }
  const doubt = /^it matches (\d+) of \1 recent SYNs of clients, 100\.0 %$/
  await pair.until('SYNs of the client are known', async () => {
    assert.equal((await connect()).code, 0, 'what is observed passes')
    const { notes } = await order('add', { name: 'clients', observe: 'true' }, { rule })
    return notes.some((note) => doubt.test(note))
  })
  const seen = async (node: PairNode) => (await floods(node)).rules.find(({ name }) => name === 'clients')
  assert.equal((await connect()).code, 0)
  const observed = await seen('lb1')
  assert.deepEqual([observed?.action, Number(observed?.opening) > 0], ['count', true])
  assert.deepEqual((await seen('lb2'))?.action, 'count', 'the other node counts, too')
  try {
    await order('add', { name: 'clients' }, { rule })
    assert.notEqual((await connect(1)).code, 0)
    assert.deepEqual((await seen('lb2'))?.action, 'drop')
  } finally {
    await order('remove', { name: 'clients' })
  }
  assert.equal((await connect()).code, 0)
  assert.deepEqual([await seen('lb1'), await seen('lb2')], [undefined, undefined])
})

test('who is allowed by hand is let in alone on both nodes, and everybody again when that is taken back', {
  skip,
}, async () => {
  const { address } = findNode(pair.lab.topology, 'client') as LabNode
  const [client, cdn] = [{ sources: [address] }, { sources: ['192.0.2.0/24'] }]
  await assert.rejects(order('only', { mode: 'on' }), /nobody is allowed, so everybody would be dropped/)
  await order('allow', {}, client)
  await order('only', { mode: 'on', for: '1h' })
  try {
    assert.equal((await connect()).code, 0)
    const { allowed, only } = await floods('lb2')
    assert.deepEqual([allowed.map(({ source }) => source), only.isOn], [client.sources, true])
    await assert.rejects(order('disallow', {}, client), /first `tenbin flood only off`/)
    await order('allow', {}, cdn)
    await order('disallow', {}, client)
    assert.notEqual((await connect(1)).code, 0)
  } finally {
    await order('only', { mode: 'off' })
    await order('disallow', {}, cdn)
  }
  assert.equal((await connect()).code, 0)
})

test('a flood leaves a capture of what came before it was told and after, here and on the other node, that tcpdump reads', {
  skip,
}, async (t) => {
  attack = await Attack.start(pair.lab, {
    shapes: [{ flood: 'syn', window: 0, noOptions: true, spoof: true }],
    perSecond: PER_S,
  })
  const evidence = async () =>
    (await events('lb1', 'node.evidence')).find(({ text }) => text.includes(': www: SYN flood, '))
  await pair.until('what was recorded around a flood is told', async () => (await evidence()) !== undefined)
  const [began] = await events('lb1', 'flood.began')
  const kept = await evidence()
  t.diagnostic(kept!.text)
  assert.match(
    kept!.text,
    /^\d+( of \d+)? recorded packets around this are kept in \S+-flood\.began\.pcapng, node lb2.*: www: SYN flood, /,
  )
  const [here, there] = [capturesOn('lb1', 'lb1', 'flood.began'), capturesOn('lb2', 'lb1', 'flood.began')]
  assert.deepEqual([here.length, there.length], [1, 1])
  for (const path of [here[0]!, there[0]!]) {
    const lines = await read('tcpdump', '-nttr', path)
    const syns = lines.filter((line) =>
      /IP 198\.1[89]\.\S+ > 10\.0\.0\.100\.80: Flags \[S\],.* win 0,/.test(line),
    )
    assert.ok(syns.length > 100, `${syns.length} of ${lines.length} packets`)
    const toldAt = Date.parse(began!.time)
    const times = syns.map((line) => Math.round(1_000 * Number(/\d{9,}\.\d+/.exec(line)![0]) - toldAt))
    const [first, last] = [Math.min(...times), Math.max(...times)]
    assert.ok(first < 0 && last > 0, `from ${first} to ${last} ms after it was told`)
    const [comment] = await tshark(path, 'frame.comment')
    assert.match(comment!, /^verdict=/)
  }
})

test('orders of one node hold on the other one, also when its daemon has died; a rule that takes more than SYNs is told of', {
  skip,
}, async () => {
  const { address } = findNode(pair.lab.topology, 'client') as LabNode
  await order('ban', { source: ATTACKERS, for: '1h' })
  await order('proof', { mode: 'on', service: 'www', for: '1h' })
  const wide = { tcp: 'any', source: address, action: { limit: '100000/s' } }
  await order('add', { name: 'wide' }, { rule: wide })
  const orders = { rules: ['wide limit'], bans: [ATTACKERS] }
  const hasAll = async () => {
    const { proof: _, ...said } = ordersOf(await floods('lb2'))
    assert.deepEqual(said, orders)
  }
  await hasAll()
  await pair.lb2.kill()
  const again = pair.lb2.start()
  const told = async () =>
    (await events('lb1', 'flood.rule')).find(({ text }) => text.startsWith('rule wide '))
  await pair.until('the rule is told of', async () => {
    assert.equal((await connect()).code, 0)
    return (await told()) !== undefined
  })
  assert.match(
    (await told())!.text,
    /^rule wide matches (\d+) of \1 .*connections.*, 100 % \(all services\): if clients complain/,
  )
  await again
  await hasAll()
})

test('a pool that fails is recorded from before on, and the other node has it, and the orders, when this one is gone', {
  skip,
}, async () => {
  const { lab } = pair
  await pair.leads('lb1')
  // All the time, however long it takes until the servers are seen to be gone.
  const users: Promise<unknown>[] = []
  const timer = setInterval(() => users.push(connect(1)), 100)
  const down = (state: 'down' | 'up') =>
    Promise.all(['web01', 'web02'].map((node) => lab.run(node, ['ip', 'link', 'set', 'eth0', state])))
  await down('down')
  const held = () => capturesOn('lb2', 'lb1', 'service.held')
  try {
    await pair.until('lb2 has what lb1 recorded', () => held().length === 1)
  } finally {
    clearInterval(timer)
    await Promise.all(users)
  }
  await cutNode(lab, 'lb1')
  await killNode(lab, 'lb1')
  const seen = await tshark(held()[0]!, 'tcp.flags.syn', 'frame.comment')
  const syns = seen.filter((line) =>
    /^(1|True)\tverdict=forwarded service=www server=web0[12] kind=new$/.test(line),
  )
  assert.ok(syns.length > 0, seen.slice(0, 20).join('\n'))
  const { captures } = await pair.lb2.ask({ path: '/v1/captures', reply: capturesSchema })
  assert.ok(captures.some(({ node, why }) => node === 'lb1' && why === 'service.held'))
  await pair.until(
    'lb2 drops the flood',
    async () => Number((await pair.status('lb2')).outcomes.banned) > 1_000,
  )
  const { outcomes } = await pair.status('lb2')
  const others = ['forwarded', 'challenged', 'no-server'].map((name) => Number(outcomes[name] ?? 0))
  assert.ok(Math.max(...others) < 100, `from its first packet on: ${JSON.stringify(outcomes)}`)
  // Of a service that nothing has come for yet nothing is told.
  await pair.until('lb2 tells of the service', async () => (await floods('lb2')).services.length > 0)
  const now = await floods('lb2')
  assert.deepEqual(ordersOf(now), { rules: ['wide limit'], bans: [ATTACKERS], proof: ['on'] })
})
