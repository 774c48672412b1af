// Three nodes as one cluster, with four address sets that cover what a set can be: by multicast, by unicast with keys and
// tracking, of version 2 with a password, with a virtual MAC. lb1 is preferred for all of them, lb2 comes before lb3.
//
//   10.0.0.0/24 --+-- client
//                 +-- lb1, lb2, lb3: tenbin; 10.0.0.100..103 are on one of them each
//                 '-- web01

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'
import type { Status } from '../../src/daemon/api-schema.ts'
import { writeClusterKeys } from '../../src/lab/cluster-keys.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { execute, skip } from './support/execute.ts'
import { Tenbin } from './support/tenbin.ts'

const NODES = ['lb1', 'lb2', 'lb3'] as const
const SETS = ['front', 'keyed', 'old', 'virtual'] as const
type Set = (typeof SETS)[number]
const addressOf = (set: Set): string => `10.0.0.${100 + SETS.indexOf(set)}`
/** STOP: a device whose being there is a file. */
const STOP = 'stop0'
const PATIENCE_MS = 60_000

let lab: Lab
let nodes: readonly Tenbin[]
const place = (name: string): string => join(lab.directory, name)
/** open: a folder that the script's user may read. */
let open: string
const script = (): string => join(open, 'fit')

const text = (keys: string): string => `
nodes: { lb1: 10.0.0.2, lb2: 10.0.0.3, lb3: 10.0.0.4 }
interfaces: { lan: eth0 }
addresses:
  front: { on: lan, ips: [${addressOf('front')}/24], vrid: 51, prefer: lb1, advert: 400ms }
  keyed:
    { on: lan, ips: [${addressOf('keyed')}/24], vrid: 52, prefer: lb1, advert: 400ms, unicast: true, auth: { hmac: ${keys} },
      track: [{ file: /proc/sys/net/ipv4/conf/${STOP} }, { script: [/bin/sh, ${script()}], every: 200ms, fall: 0s },
              { reach: [10.0.0.200], every: 500ms }] }
  old: { on: lan, ips: [${addressOf('old')}/24], vrid: 53, prefer: lb1, version: 2, auth: { pass: ${place('pass')} } }
  virtual: { on: lan, ips: [${addressOf('virtual')}/24], vrid: 54, prefer: lb1, advert: 400ms, mac: virtual }
servers: { web01: 10.0.0.11 }
defaults: { forward: dsr, check: none }
services: { www: { listen: [${SETS.map((set) => `"${addressOf(set)}:80"`).join(', ')}], servers: web01 } }
`

before(async () => {
  if (skip) return
  open = mkdtempSync(join(tmpdir(), 'three-nodes-'))
  chmodSync(open, 0o755)
  lab = await Lab.hold({ prefix: 'three', servers: 1, balancers: 3, services: SETS.length })
  await lab.startWebServers()
  writeClusterKeys(lab.topology)
  for (const name of ['key', 'next']) writeFileSync(place(name), randomBytes(32))
  writeFileSync(place('pass'), 'tenbin')
  writeFileSync(script(), 'exit 0')
  nodes = NODES.map((name) => new Tenbin(lab, name))
  for (const node of nodes) node.write(text(place('key')))
  await Promise.all(nodes.map((node) => node.start()))
  for (const set of SETS) await active(set, 'lb1')
})
after(async () => {
  await lab?.[Symbol.asyncDispose]()
  if (open !== undefined) rmSync(open, { recursive: true })
})

const statuses = (): Promise<readonly (Status | undefined)[]> =>
  Promise.all(nodes.map((node) => node.status()))

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; !(await isSo()); await delay(50)) {
    if (Date.now() < deadline) continue
    const seen = (await statuses()).map((each) => [each?.sets, each?.problems])
    assert.fail(`not in time: ${what}: ${inspect(seen, { depth: 9 })}`)
  }
}

/** active: this node alone has the role, by its own word, and others say so; the client is answered. */
async function active(set: Set, node: (typeof NODES)[number]): Promise<void> {
  await until(`${set} is on ${node}`, async () =>
    (await statuses()).every((status, at) => {
      const told = status?.sets.find(({ name }) => name === set)
      if (told === undefined || (told.role === 'active') !== (NODES[at] === node)) return false
      // Who may have no role hears nobody.
      return told.role === 'initialize' || told.active === node
    }),
  )
  const url = `http://${addressOf(set)}/`
  const { code, err } = await execute(lab, 'client', ['curl', '-sS', '-f', '-m', '5', url])
  assert.equal(code, 0, err)
}

/** told: what all nodes say of roles. */
const told = async (): Promise<string> => {
  const all = await Promise.all(nodes.map((node) => node.cli('events')))
  return all.map(({ out }, at) => `${NODES[at]}\n${out}`).join('\n')
}

/** failover of a set to a node, by the command on another one. */
async function failover(set: Set, to: string): Promise<void> {
  const { code, out, err } = await nodes[1]!.cli('failover', set, '--to', to, '--hold', '1m')
  assert.deepEqual([code, out], [0, `${set}: ${to} is active, lb1 was before\n`], err)
}

test('a set is moved to the node that is named, past one that goes before it, whatever its adverts are', {
  skip,
}, async () => {
  await until('all nodes talk', async () =>
    (await statuses()).every((status) => status?.sets[0]?.nodes?.every(({ role }) => role !== undefined)),
  )
  const neighbour = async (): Promise<string | undefined> =>
    /lladdr (\S+)/.exec(await lab.run('client', ['ip', 'neigh', 'show', addressOf('virtual')]))?.[1]
  const mac = await neighbour()
  assert.equal(mac, '00:00:5e:00:01:36')
  await Promise.all([failover('front', 'lb3'), failover('virtual', 'lb3')])
  for (const set of ['front', 'virtual'] as const) await active(set, 'lb3')
  assert.equal(await neighbour(), mac)
})

test('keys are exchanged by three applies without a change of roles', { skip }, async () => {
  const before = await statuses()
  for (const keys of [`[${place('next')}, ${place('key')}]`, place('next')]) await nodes[0]!.apply(text(keys))
  const sinceOf = (all: readonly (Status | undefined)[]) =>
    all.map((status) => status!.sets.find(({ name }) => name === 'keyed')!.since)
  await active('keyed', 'lb1')
  assert.deepEqual(sinceOf(await statuses()), sinceOf(before), await told())
})

test('what is tracked moves a set: a file, a script, an address that answers no more', { skip }, async () => {
  const on1 = (line: string): Promise<string> => lab.run('lb1', ['ip', ...line.split(' ')])
  const faultsOf1 = (...kinds: string[]) =>
    until(`faults of ${kinds.join()}`, async () => {
      const set = (await nodes[0]!.status())?.sets.find(({ name }) => name === 'keyed')
      return set?.failover?.faults.map(({ name }) => name.split(':')[0]).join() === kinds.join()
    })
  // Each node has a /proc/sys/net of its own.
  await on1(`link add ${STOP} type bridge`)
  await active('keyed', 'lb2')
  writeFileSync(script(), '[ "$(ip -4 -o addr show | grep -c 10.0.0.2/)" = 0 ]')
  await on1(`link del ${STOP}`)
  await faultsOf1('script')
  await on1('neigh replace 10.0.0.200 lladdr 02:00:00:00:00:99 dev eth0 nud permanent')
  await faultsOf1('script', 'reach')
  writeFileSync(script(), 'exit 0')
  await faultsOf1('reach')
  await on1('neigh del 10.0.0.200 dev eth0')
  await active('keyed', 'lb1')
})

test('a file applied on one of three nodes counts on all, one that a node cannot run on none, and who was away catches up', {
  skip,
}, async () => {
  const flows = (many: number): string => `${text(place('next'))}limits: { flows: ${many} }\n`
  const apply = async (at: number, file: string, ...options: string[]) => {
    nodes[at]!.write(file)
    return nodes[at]!.cli('apply', ...options)
  }
  const revisions = async () => (await statuses()).map((status) => status?.revision?.id)
  const same = async (): Promise<boolean> => new Set(await revisions()).size === 1
  const [before] = await revisions()

  const done = await apply(1, flows(65_536), '--json')
  assert.equal(done.code, 0, done.err + done.out)
  const { nodes: asked, unheard } = JSON.parse(done.out)
  assert.deepEqual([asked, unheard], [['lb1', 'lb2', 'lb3'], []])
  assert.ok((await same()) && (await revisions())[0] !== before, 'all have it')

  const broken = await apply(
    0,
    flows(32_768).replace('lan: eth0', 'lan: { lb1: eth0, lb2: eth0, lb3: eth9 }'),
  )
  assert.deepEqual([broken.code, /lb3: .*eth9/s.test(broken.err)], [1, true], broken.err)
  assert.ok(await same(), 'none has it')

  await nodes[2]!.kill()
  await until('lb3 is missed', async () => {
    const { code, err } = await apply(0, flows(32_768))
    return code === 1 && /lb3 is not reachable/.test(err)
  })
  const without = await apply(0, flows(32_768), '--without', 'lb3')
  assert.equal(without.code, 0, without.err)
  await nodes[2]!.start()
  await until('lb3 has what it missed', same)
  await until('lb3 tells that it has caught up', async () =>
    /runs revision \d+ of \S+.*, as lb[12] does/.test((await nodes[2]!.cli('events')).out),
  )
})
