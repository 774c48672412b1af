// A pair, with real vrrp processes and real XDP, and what its daemons do about roles: who holds the address, what moves it
// and what does not.
//
//   front 10.0.0.0/24 --+-- client
//                       +-- lb1, lb2: tenbin; 10.0.0.100 is on one of them (vrid 51, 400 ms)
//                       '-- web01, web02

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { formatIp } from '../../src/base/addresses.ts'
import { findNode, type LabNode, SWITCH } from '../../src/lab/topology.ts'
import { freezeNode, healNode, killNode } from '../../src/lab/trouble.ts'
import { icmpType } from '../../src/wire/icmp.ts'
import { ether, icmp, ipv4, packet } from '../../src/wire/packet.ts'
import { Capture } from './support/capture.ts'
import { execute, skip } from './support/execute.ts'
import { send } from './support/frames.ts'
import { PAIR_NODES, Pair, type PairNode } from './support/pair.ts'
import { DOUBLED_MOST_MS } from './support/role-changes.ts'

const SERVICE = '10.0.0.100'
const file = `
nodes: { lb1: 10.0.0.2, lb2: 10.0.0.3 }
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [${SERVICE}/24], vrid: 51, prefer: lb1, advert: 400ms } }
servers: { web01..02: 10.0.0.11..12 }
defaults: { forward: dsr, check: { tcp: {}, every: 500ms } }
services: { www: { listen: ["${SERVICE}:80"], servers: web01..02 } }
`

let pair: Pair
before(async () => {
  if (skip) return
  pair = await Pair.hold({ prefix: 'roles', servers: 2, balancers: 2 }, file)
  await pair.start()
  await active('lb1')
  await until(
    async () => (await Promise.all(PAIR_NODES.map(peerRole))).join() === 'backup,active',
    'nodes talk',
  )
})
after(async () => {
  await pair?.[Symbol.asyncDispose]()
})

const setOf = async (node: PairNode) => (await pair.status(node)).sets[0]!
const rolesOf = async (): Promise<string> =>
  (await Promise.all(PAIR_NODES.map((node) => pair.roleOf(node)))).join(' ')
/** peerRole: what a node hears of the other one over the cluster. */
const peerRole = async (node: PairNode) => (await setOf(node)).nodes![0]!.role
const problemsOf = async (node: PairNode) => (await pair.status(node)).problems.map(({ code }) => code)
const vrrpPid = async (node: PairNode): Promise<number> => (await pair.status(node)).vrrp!.pid!
/** holders: the nodes whose kernel has the service address. */
async function holders(): Promise<PairNode[]> {
  const all = await Promise.all(
    PAIR_NODES.map((node) => pair.lab.run(node, ['ip', '-o', '-4', 'addr', 'show'])),
  )
  return PAIR_NODES.filter((_, at) => all[at]!.includes(` ${SERVICE}/24 `))
}
const answers = async (): Promise<boolean> => {
  const { code } = await execute(pair.lab, 'client', ['curl', '-sS', '-f', '-m', '2', `http://${SERVICE}/`])
  return code === 0
}

/** neighbourIs: the client's neighbour table has the address at this node's MAC. */
const neighbourIs = (node: PairNode) =>
  until(async () => {
    const table = await pair.lab.run('client', ['ip', 'neigh', 'show', 'to', SERVICE])
    return table.includes(`lladdr ${(findNode(pair.lab.topology, node) as LabNode).mac}`)
  }, `the client's neighbour is ${node}`)

/** hasEnded: it is gone, or a zombie. */
function hasEnded(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`).length === 0
  } catch {
    return true
  }
}

const until = (wanted: () => Promise<boolean>, what: string) => pair.until(what, wanted)
const active = (node: PairNode) =>
  until(
    async () =>
      (await rolesOf()) === (node === 'lb1' ? 'active backup' : 'backup active') &&
      `${await holders()}` === node &&
      (await Promise.all(PAIR_NODES.map(setOf))).every((set) => set.active === node),
    `${node} is active, and alone has the address`,
  )

test('one node has the address, the other is ready: program, checks and neighbours', { skip }, async () => {
  await active('lb1')
  assert.ok(await answers())
  const [one, two] = [await setOf('lb1'), await setOf('lb2')]
  assert.deepEqual([one.active, two.active, two.services], ['lb1', 'lb1', ['www']])
  assert.deepEqual([one.failover!.priority, two.failover!.priority], [200, 100])
  const backup = await pair.status('lb2')
  assert.equal(backup.interfaces[0]!.name, 'eth0')
  assert.ok(backup.pools[0]!.servers.every(({ state, share }) => state === 'up' && share > 0))
  await until(async () => (await problemsOf('lb2')).length === 0, 'nothing is wrong')
  const { out, code } = await pair.lb2.cli('status', '--all')
  assert.equal(code, 0)
  assert.match(out, /node lb2, forwarding, backup,/)
  assert.match(out, /^front +backup +\S+ +lb1 /m)
  assert.match(out, /10\.0\.0\.100\/24, not here/)
})

test('with accept: false the active node answers no ping to the address, and serves on', {
  skip,
}, async () => {
  const macOf = (name: string) => (findNode(pair.lab.topology, name) as LabNode).mac
  const ping = packet(
    ether({ destination: macOf('lb1'), source: macOf('client') }),
    ipv4({ source: '10.0.0.200', destination: SERVICE }),
    icmp({ rest: 0x00470001 }),
  )
  const pings = async (): Promise<boolean> => {
    await using capture = await Capture.of(pair.lab, 'client')
    send(pair.lab, 'client', [ping])
    await delay(300)
    const frames = await capture.stop()
    return frames.some(
      ({ ip, tcp, bytes }) =>
        ip && !tcp && formatIp(ip.source) === SERVICE && bytes[34] === icmpType.ECHOREPLY,
    )
  }
  await until(pings, 'a ping is answered')
  await pair.lb1.apply(file.replace('vrid: 51,', 'vrid: 51, accept: false,'))
  assert.equal(await pings(), false)
  assert.ok(await answers())
  // the client has to ask for the address again, and is told
  await pair.lab.run('client', ['ip', 'neigh', 'flush', 'to', SERVICE])
  assert.ok(await answers())
  assert.deepEqual([await rolesOf(), `${await holders()}`], ['active backup', 'lb1'])
  assert.ok(Number((await pair.status('lb1')).outcomes['not-accepted']) >= 1)
  await pair.lb1.apply(file)
  await until(pings, 'a ping is answered again')
})

test('a main that is killed, and one that comes back, move nothing', { skip }, async () => {
  const pid = await vrrpPid('lb1')
  await pair.lb1.kill()
  // longer than silence has to last
  await delay(2000)
  assert.deepEqual([(await setOf('lb2')).role, `${await holders()}`], ['backup', 'lb1'])
  assert.ok(await answers())
  await pair.lb1.start()
  await active('lb1')
  assert.equal(await vrrpPid('lb1'), pid)
})

test('a vrrp that is killed loses its roles, is started again, and takes them back by the file', {
  skip,
}, async () => {
  const pid = await vrrpPid('lb1')
  // lb2 is active for a moment only
  const took = async () => {
    const { out } = await pair.lb2.cli('events', '--json', '-n', '1000')
    return out.split('\n').filter((line) => /"role\.changed".*nobody active was heard any more/.test(line))
      .length
  }
  const before = await took()
  process.kill(pid, 'SIGKILL')
  await until(async () => (await took()) > before, 'lb2 takes over')
  await active('lb1')
  assert.notEqual(await vrrpPid('lb1'), pid)
})

test('a daemon that stops hands over to the node that can take it, and takes it back when it is there again', {
  skip,
}, async () => {
  const { pid } = await pair.status('lb1')
  process.kill(pid, 'SIGTERM')
  await until(async () => (await setOf('lb2')).role === 'active', 'lb2 has it')
  assert.ok(await answers())
  await until(async () => hasEnded(pid), 'its daemon has ended')
  await pair.lb1.start()
  await active('lb1')
})

test('failover, on whichever node, moves the set to the other one, which keeps it', { skip }, async () => {
  const moved = await pair.lb2.cli('failover', 'front', '--to', 'lb2', '--hold', '1m')
  assert.deepEqual([moved.code, moved.out], [0, 'front: lb2 is active, lb1 was before\n'], moved.err)
  await active('lb2')
  assert.ok(await answers())
  await delay(2000)
  assert.equal(await rolesOf(), 'backup active')
})

test('maintenance keeps a node out of all roles, and failover there is refused', { skip }, async () => {
  const on = await pair.lb2.cli('maintenance', 'on')
  assert.equal(on.code, 0, on.err)
  await until(async () => (await rolesOf()) === 'active initialize', 'lb2 has no role')
  await until(async () => `${await holders()}` === 'lb1', 'lb1 alone has the address')
  await until(async () => (await peerRole('lb1')) === 'initialize', 'lb1 is told')
  const refused = await pair.lb1.cli('failover', 'front')
  assert.equal(refused.code, 1)
  assert.match(refused.err, /nobody could take it: lb2 has maintenance/)
  assert.equal((await pair.lb2.cli('maintenance', 'off')).code, 0)
  await active('lb1')
})

test('a split brain is seen by both nodes, and over when adverts pass again', { skip }, async () => {
  // The switch sends no more groups' frames to either: adverts are lost, connections are not.
  const adverts = (pass: 'on' | 'off') =>
    Promise.all(
      PAIR_NODES.map((node) =>
        pair.lab.run(SWITCH, ['bridge', 'link', 'set', 'dev', node, 'mcast_flood', pass]),
      ),
    )
  await adverts('off')
  await until(async () => `${await holders()}` === 'lb1,lb2', 'both have the address')
  const isSeen = async () =>
    (await Promise.all(PAIR_NODES.map(problemsOf))).every((all) => all.includes('SPLIT_BRAIN'))
  await until(isSeen, 'both see it')
  await adverts('on')
  await active('lb1')
  await until(async () => (await Promise.all(PAIR_NODES.map(problemsOf))).flat().length === 0, 'it is over')
  const { out } = await pair.lb2.cli('events', '--json')
  assert.equal(out.match(/"role\.split"/g)?.length, 2)
})

test('an active node that is stopped and resumes fights nobody: one node has the address, and neighbours its MAC', {
  skip,
}, async () => {
  assert.equal((await pair.lb1.cli('failover', 'front', '--to', 'lb2', '--hold', '1m')).code, 0)
  await active('lb2')
  await neighbourIs('lb2')
  await freezeNode(pair.lab, 'lb2')
  await until(async () => (await pair.roleOf('lb1')) === 'active', 'lb1 takes over')
  await healNode(pair.lab, 'lb2')
  await active('lb1')
  await neighbourIs('lb1')
  // nor does it answer who asks anew
  await pair.lab.run('client', ['ip', 'neigh', 'flush', 'to', SERVICE])
  assert.ok(await answers())
  await neighbourIs('lb1')
})

test('a node all of whose processes are killed, its link up, loses the address by itself; and that nodes fail in turn is told', {
  skip,
}, async () => {
  await killNode(pair.lab, 'lb1')
  await until(async () => (await holders()).includes('lb2'), 'lb2 takes over')
  const doubledMs = await until(async () => `${await holders()}` === 'lb2', 'lb1 has it no more')
  assert.ok(doubledMs <= DOUBLED_MOST_MS, `two nodes had the address for ${doubledMs} ms`)
  assert.ok(await answers())
  await neighbourIs('lb2')
  await healNode(pair.lab, 'lb1')
  // nodes have failed in turn: the one that is preferred lets be
  await active('lb2')
  const told = await Promise.all(PAIR_NODES.map((node) => pair[node].cli('events', '--json', '-n', '1000')))
  assert.match(told.map(({ out }) => out).join(''), /"severity":"error","kind":"role\.flapping"/)
  assert.ok((await setOf('lb1')).failover!.heldUntil !== undefined)
})

test('down gives the role up and ends the process that had it', { skip }, async () => {
  const pid = await vrrpPid('lb1')
  await pair.lb1.kill()
  const down = await pair.lb1.cli('down')
  assert.equal(down.code, 0, down.err)
  assert.match(down.out, /roles, and the process that had them/)
  assert.ok(hasEnded(pid), 'it has ended')
  await until(async () => `${await holders()}` === 'lb2', 'lb2 has it')
  assert.ok(await answers())
})
