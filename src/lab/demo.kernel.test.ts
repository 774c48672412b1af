import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { labDemo } from './demo.ts'
import { labDown, labStatus } from './lab.ts'
import { locked } from './lock.ts'
import { identify } from './processes.ts'
import { sweep } from './remove.ts'
import { labNamespaces, recall } from './state.ts'
import type { LabOutput } from './terminal.ts'

const skip = process.geteuid?.() !== 0 && 'network namespaces need root'

/** What a machine that does much else is late by, a time-out given twice included. */
const MARGIN = 2000

const page = (): LabOutput & { text: string } => ({
  text: '',
  write(part) {
    this.text += part
  },
  isTerminal: false,
  coloured: false,
  columns: 80,
})

function assertGone(lab: string): void {
  assert.deepEqual(labNamespaces(lab), [])
  assert.equal(recall(lab), undefined)
  assert.equal(existsSync(`/sys/fs/bpf/tenbin/${lab}-lb1`), false)
}

test('the demo answers every request but of servers that fail, gives every server its share, and leaves nothing', {
  skip,
}, async () => {
  const out = page()
  const result = await labDemo({ name: 'va', servers: 4, lookMs: 1200, out })
  assert.deepEqual(result.problems, [])
  const { failures } = result
  assert.deepEqual(
    failures.map(({ server, how, lostLater }) => [server, how, lostLater]),
    [
      ['web01', 'stops', 0],
      ['web02', 'hangs', 0],
      ['web03', 'unplugged', 0],
    ],
  )
  for (const { how, outMs, computedMs, backMs } of failures) {
    assert.ok(outMs <= computedMs + MARGIN, `${how}: out after ${outMs} ms, computed ${computedMs}`)
    assert.ok(backMs <= 5000, `${how}: back after ${backMs} ms`)
  }
  const lost = failures.reduce((sum, each) => sum + each.lost, 0)
  assert.equal(result.failed, lost)
  assert.equal(result.sent, result.answered + lost)
  assert.deepEqual(Object.keys(result.perServer), ['web01', 'web02', 'web03', 'web04'])
  assert.equal(
    Object.values(result.perServer).reduce((sum, count) => sum + count, 0),
    result.answered,
  )
  // What lb1 takes in it sends on; the answers are pages of 8 KiB, and pass it by.
  const { intoBalancer, outOfBalancer, fromServers } = result.bytes
  assert.ok(Math.abs(outOfBalancer / intoBalancer - 1) < 0.01, `${intoBalancer} in, ${outOfBalancer} out`)
  assert.ok(fromServers > 8192 * result.answered && intoBalancer < 2000 * result.answered, `${fromServers}`)
  // 3.6 s of looking at 400 a second, and what came in while the daemon was away.
  assert.ok(result.sent > 700, `${result.sent} requests`)
  for (const words of [
    '   -     servers: web01..04\n   +     servers: [web01..02, web04]\n',
    '(Nothing new goes to web03; what is open stays with it to its end.)',
    '   server            out after  computed   back after   lost  lost later\n',
    'The lab is removed, nothing of it is left.',
  ]) {
    assert.ok(out.text.includes(words), words)
  }
  assert.match(out.text, /\d+ instructions, loaded and verified in [\d.]+ ms, on lb1's eth0 \(native\)/)
  assert.match(out.text, /[\d.]+ ns a packet/)
  assert.match(out.text, /web03 +·+ +0\/s/)
  assert.match(out.text, /\n {3}(Every request was answered|No request failed but with a server .* yet)\.\n/)
  // Twice: web03 leaves, and comes back.
  const reloads = out.text.match(
    /Reloaded in \d+ ms: .*\n {3}Requests came in all the time: [1-9]\d* answered, 0 failed\./g,
  )
  assert.equal(reloads?.length, 2)
  assert.match(out.text, /Its program goes on: [1-9]\d* answered, 0 failed\./)
  for (const line of out.text.split('\n')) assert.ok([...line].length <= 80, line)
  assertGone('va')
})

test('with IPv6 both families are asked in turn, every request is answered, and the answers pass lb1 by', {
  skip,
}, async () => {
  const out = page()
  const result = await labDemo({ name: 'vd', servers: 2, lookMs: 400, ipv6: true, out })
  assert.deepEqual(result.problems, [])
  assert.ok(result.bytes.fromServers > 5 * result.bytes.intoBalancer)
  for (const words of [
    'HTTP to 10.0.0.100 and 2001:db8::100',
    '   -     servers: six01..02\n   +     servers: six01\n',
    'servers -> client',
  ])
    assert.ok(out.text.includes(words), words)
  for (const line of out.text.split('\n')) assert.ok([...line].length <= 80, line)
  assertGone('vd')
})

test('on a terminal the lab can be left up, and works then', { skip }, async () => {
  const out = page()
  await labDemo({ name: 'vb', servers: 1, lookMs: 200, out, ask: async () => true })
  try {
    assert.match(out.text, /The lab is up\. To go on:\n.* lab shell --name vb client +then: curl/)
    assert.deepEqual(
      labStatus({ name: 'vb', out }).map(({ phase, processes }) => [
        phase,
        ...processes.map(({ running }) => running),
      ]),
      [['up', true, true]],
    )
  } finally {
    await labDown({ name: 'vb', out })
  }
  assertGone('vb')
})

/** demoInProcess starts a demo in a process of its own; `answering` resolves once requests are answered. */
function demoInProcess(name: string) {
  const modules = ['./demo.ts', './terminal.ts'].map((file) => JSON.stringify(import.meta.resolve(file)))
  const code = `import { labDemo } from ${modules[0]}
    import { outputOf } from ${modules[1]}
    await labDemo({ name: ${JSON.stringify(name)}, servers: 2, out: outputOf(process.stdout) }).catch((error) => {
      console.log('ended', error.code)
    })`
  const args = ['--import', 'tsx', '--input-type=module', '-e', code]
  const demo = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const answering = new Promise<void>((resolve) => {
    demo.stdout.on('data', (part: Buffer) => part.includes(' answered') && resolve())
  })
  return { demo, answering, closed: once(demo, 'close'), said: text(demo.stdout) }
}

test('a demo that is ended by Ctrl-C removes its lab first', { skip }, async () => {
  const { demo, answering, closed, said } = demoInProcess('vc')
  await answering
  demo.kill('SIGINT')
  await closed
  assert.match(await said, /ended LAB_INTERRUPTED\n$/)
  assertGone('vc')
})

test('a demo that is killed leaves a lab that the next command removes, its processes included', {
  skip,
}, async () => {
  const { demo, answering, closed } = demoInProcess('ve')
  await answering
  // Locked, so that no other lab's beginning removes it before it was looked at.
  await locked(async () => {
    demo.kill('SIGKILL')
    await closed
    const [left] = labStatus({ name: 've', out: page() })
    assert.equal(left!.phase, 'leftover')
    assert.ok(left!.processes.every(({ running }) => running))
    assert.ok((await sweep()).includes('ve'))
    for (const { pid } of left!.processes) assert.equal(identify(pid), undefined)
  })
  assertGone('ve')
})
