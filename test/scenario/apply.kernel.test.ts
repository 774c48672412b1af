// A pair of real daemons over mutual TLS, one file: what `tenbin apply` on either of them comes to on both.
//
//   front --+-- client                    lb1 is active, lb2 is the backup; each keeps its revisions on a small
//           +-- lb1, lb2 --+-- back       disk of its own, which can be filled
//           '-- web01..02 -'
//
// TENBIN_APPLY_FAULTS=50: so many faults at random moments of applies (kill, cut, full disk) instead of two. In the
// end both have the same revision, always.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Status } from '../../src/daemon/api-schema.ts'
import { instanceOf } from '../../src/daemon/instance.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { labFile } from '../../src/lab/lab-file.ts'
import { cutNode, healNode } from '../../src/lab/trouble.ts'
import { execute, skip } from './support/execute.ts'
import { Tenbin } from './support/tenbin.ts'

/** PATIENCE_MS: generous, since much else may run on the machine. */
const PATIENCE_MS = 60_000
const FAULTS = Number(process.env.TENBIN_APPLY_FAULTS ?? 2)

class Node extends Tenbin {
  readonly name: string
  readonly disk: string

  constructor(name: string) {
    super(lab, name)
    this.name = name
    this.disk = instanceOf({
      instance: this.instance,
      runDir: lab.directory,
      stateDir: lab.directory,
    }).revisions
    mkdirSync(this.disk)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tenbin-test', this.disk])
  }

  fill(): void {
    for (const bytes of [4096, 1])
      try {
        for (;;) appendFileSync(join(this.disk, 'fill'), Buffer.alloc(bytes))
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
      }
  }

  empty(): void {
    rmSync(join(this.disk, 'fill'), { force: true })
  }
}

let lab: Lab
let nodes: Node[] = []
let [lb1, lb2]: Node[] = []
before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'ta', pair: true, servers: 2 })
  await lab.startWebServers()
  nodes = [new Node('lb1'), new Node('lb2')]
  ;[lb1, lb2] = nodes
  for (const node of nodes) node.write(fileOf(0))
  await Promise.all(nodes.map((node) => node.start()))
  await until(([a, b]) => roleOf(a) === 'active' && roleOf(b) === 'backup', 'lb1 is active')
  const meets = async (node: Node) =>
    (await node.cli('cluster', 'status', '--json')).out.includes('"connected"')
  const isMet = async () => (await Promise.all(nodes.map(meets))).every(Boolean)
  for (const end = Date.now() + PATIENCE_MS; !(await isMet()); await delay(100))
    assert.ok(Date.now() < end, 'they meet')
})
after(async () => {
  for (const { disk } of nodes) execFileSync('umount', ['--lazy', disk])
  await lab?.[Symbol.asyncDispose]()
})

/** fileOf: the lab's file; what is numbered is how many flows there is room for. */
const fileOf = (number: number, more = '') =>
  `${labFile(lab.topology)}\nlimits: { new_flows: ${50_000 + number} }\n${more}`

const roleOf = (status: Status | undefined) => status?.sets[0]?.role
const statuses = () => Promise.all(nodes.map((node) => node.status()))

async function until(is: (all: readonly (Status | undefined)[]) => boolean, what: string): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; ; await delay(50)) {
    const all = await statuses()
    if (is(all)) return
    const told = all.map((each) => [each?.revision, each?.problems, each?.sets])
    if (Date.now() > end) assert.fail(`not in time: ${what}: ${JSON.stringify(told, null, 1)}`)
  }
}

/** areSame: both have settled on the same revision, and run it. */
const areSame = ([a, b]: readonly (Status | undefined)[]): boolean =>
  a?.revision !== undefined &&
  a.revision.id === b?.revision?.id &&
  [a, b].every((each) => each!.state === 'forwarding' && each!.revision!.confirmUntil === undefined)

const isAnswered = async () =>
  (await execute(lab, 'client', ['curl', '-sS', '-f', '-m', '3', 'http://10.0.0.100/'])).code === 0

test('a file applied on the backup counts on both, the active one last, and is in the history of both', {
  skip,
}, async () => {
  lb2!.write(fileOf(1))
  const { code, out, err } = await lb2!.cli('apply', '-m', 'more', '--json')
  assert.equal(code, 0, err + out)
  const { nodes: asked, unheard } = JSON.parse(out)
  assert.deepEqual([asked, unheard], [['lb1', 'lb2'], []])
  await until(areSame, 'both have it')
  for (const node of nodes) {
    const [latest] = JSON.parse((await node.cli('history', '--json')).out).revisions
    assert.deepEqual([latest.node, latest.why, latest.state], ['lb2', 'more', 'current'])
    assert.match(latest.who, /root/)
  }
  // nobody had touched lb1's file since it was what counted
  for (const end = Date.now() + PATIENCE_MS; lb1!.text() !== fileOf(1); await delay(50))
    assert.ok(Date.now() < end, 'the file on the disk of lb1 is what counts')
  assert.ok(await isAnswered())
})

test('a file that one node cannot run changes neither, and says which and why', { skip }, async () => {
  const before = (await lb1!.statusNow()).revision!.id
  lb1!.write(fileOf(2).replace(/interfaces: \{ (\w+): eth0/, 'interfaces: { $1: { lb1: eth0, lb2: eth9 }'))
  const { code, err } = await lb1!.cli('apply')
  assert.equal(code, 1)
  assert.match(err, /lb2: .*eth9/s)
  assert.deepEqual(
    (await statuses()).map((each) => each!.revision!.id),
    [before, before],
  )
})

test('a file that runs on a backup which cannot be put right does not reach the active node', {
  skip,
}, async () => {
  const before = (await statuses()).map((each) => [each!.revision!.id, each!.program!.generation])
  // nothing can be pinned there, and a change of a generation pins nothing: it is found only by who looks again
  execFileSync('mount', ['-t', 'tmpfs', 'tenbin-test', lb2!.pins])
  try {
    lb1!.write(fileOf(2))
    const { code, err } = await lb1!.cli('apply')
    assert.equal(code, 1)
    assert.match(err, /lb2: .*pin link-eth0 is gone.*could not be put right/s)
  } finally {
    execFileSync('umount', [lb2!.pins])
  }
  const [a, b] = await statuses()
  assert.deepEqual([[a!.revision!.id, a!.program!.generation], b!.revision!.id], [before[0], before[1]![0]])
})

test('what is not confirmed goes back on both, what is stays', { skip }, async () => {
  const before = (await lb1!.statusNow()).revision!.id
  lb1!.write(fileOf(3))
  assert.equal((await lb1!.cli('apply', '--confirm', '2s')).code, 0)
  await until((all) => areSame(all) && all[0]!.revision!.id === before, 'both are back')
  assert.equal((await lb1!.cli('apply', '--confirm', '300s')).code, 0)
  assert.equal((await lb2!.cli('confirm')).code, 0)
  await until((all) => areSame(all) && all[0]!.revision!.id !== before, 'both keep it')
})

test('a node that was away starts with what it had, not with what lies on its disk, and catches up', {
  skip,
}, async () => {
  await lb2!.kill()
  lb1!.write(fileOf(4))
  lb2!.write(fileOf(5))
  await until(([a]) => a !== undefined, 'lb1 answers')
  for (const end = Date.now() + PATIENCE_MS; ; await delay(100)) {
    const { code, err } = await lb1!.cli('apply')
    if (code === 1 && /lb2 is not reachable/.test(err)) break
    assert.ok(Date.now() < end, `refused, since lb2 is away: ${code} ${err}`)
  }
  assert.equal((await lb1!.cli('apply', '--without', 'lb2')).code, 0)
  const { id } = (await lb1!.statusNow()).revision!
  await lb2!.start()
  await until((all) => areSame(all) && all[1]!.revision!.id === id, 'lb2 has it')
  const isTold = async () => /runs revision \d+ of \S+.*, as lb1 does/.test((await lb2!.cli('events')).out)
  for (const end = Date.now() + PATIENCE_MS; !(await isTold()); await delay(100))
    assert.ok(Date.now() < end, 'lb2 tells that it has caught up')
})

test(`${FAULTS} faults at random moments of applies: both nodes have the same revision in the end`, {
  skip,
}, async () => {
  for (let round = 0; round < FAULTS; round++) {
    const kind = (['kill', 'cut', 'disk'] as const)[round % 3]!
    const victim = nodes[Math.floor(Math.random() * 2)]!
    const asked = nodes[Math.floor(Math.random() * 2)]!
    const atMs = Math.random() * 1_500
    const what = `round ${round}: ${kind} of ${victim.name}, ${Math.round(atMs)} ms after apply on ${asked.name}`
    asked.write(fileOf(100 + round))
    const applied = asked.cli('apply')
    await delay(atMs)
    if (kind === 'kill') await victim.kill()
    else if (kind === 'cut') await cutNode(lab, victim.name)
    else victim.fill()
    const { code } = await applied
    await delay(Math.random() * 2_000)
    if (kind === 'kill') await victim.start()
    else if (kind === 'cut') await healNode(lab, victim.name)
    else victim.empty()
    await until(areSame, what)
    const [status] = await statuses()
    // Whoever was told that it is done was told the truth.
    if (code === 0)
      assert.match(
        (await asked.cli('show', String(status!.revision!.number))).out,
        new RegExp(`${50_100 + round}`),
        what,
      )
  }
  // which of them: nodes that failed in turn preempt nobody for ten minutes
  await until((all) => all.map(roleOf).sort().join() === 'active,backup', 'one is active')
  assert.ok(await isAnswered())
})
