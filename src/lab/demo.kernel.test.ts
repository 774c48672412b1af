import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { labDemo } from './demo.ts'
import { labDown, labStatus } from './lab.ts'
import { ADVERT_MS } from './lab-file.ts'
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
  for (const node of ['lb1', 'lb2']) assert.equal(existsSync(`/sys/fs/bpf/tenbin/${lab}-${node}`), false)
}

test('the demo answers every request but of servers that fail, in all four stages, keeps one connection through all of them, and leaves the lab up where that is wanted', {
  skip,
}, async () => {
  const out = page()
  const pace = { lookMs: 1200, ratePerSecond: 100 }
  const result = await labDemo({ ...pace, name: 'va', servers: 4, out, ask: async () => true })
  try {
    assert.deepEqual(result.problems, [])
    const { failures, roleChanges, kept, underWay, cutShort } = result
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
    assert.deepEqual(
      roleChanges.map(({ what }) => what),
      ['died', 'returned'],
    )
    assert.deepEqual(
      roleChanges.map((change) => change.failed),
      [underWay, 0],
    )
    for (const { what, silenceMs, keptMs } of roleChanges)
      assert.ok(
        Math.max(silenceMs, keptMs) <= 4 * ADVERT_MS + MARGIN,
        `${what}: ${silenceMs} ms, ${keptMs} ms`,
      )
    assert.equal(kept.broken, undefined)
    assert.ok(kept.server === 'web04' && kept.answers > 50, JSON.stringify(kept))
    const lost = failures.reduce((sum, each) => sum + each.lost, 0)
    assert.equal(result.failed, lost + underWay + cutShort)
    assert.equal(result.sent, result.answered + result.failed)
    assert.deepEqual(Object.keys(result.perServer), ['web01', 'web02', 'web03', 'web04'])
    assert.equal(
      Object.values(result.perServer).reduce((sum, count) => sum + count, 0),
      result.answered,
    )
    assert.ok(result.sent > 700, `${result.sent} requests`)
    for (const words of [
      '   -     servers: web01..04\n   +     servers: [web01..02, web04]\n',
      '(Nothing new goes to web03; what is open stays with it to its end.)',
      '   server            out after  computed   back after   lost  lost later\n',
      '   +     vrid: 51\n   +     prefer: lb1\n   +     advert: 100ms\n',
      '   -     forward: nat\n   +     forward: dsr\n',
    ]) {
      assert.ok(out.text.includes(words), words)
    }
    assert.match(out.text, /\d+ instructions, loaded and verified in [\d.]+ ms, on lb1's eth0 \(native\)/)
    assert.match(out.text, /[\d.]+ ns a packet/)
    assert.match(out.text, /web03 +·+ +0\/s/)
    assert.match(out.text, /\n {3}No request failed but where it was said\.\n/)
    // web03 leaves, and comes back; the set begins to move; answers take another way.
    assert.equal(out.text.match(/Applied in \d+ ms: /g)?.length, 4)
    assert.match(out.text, /Its program goes on: [1-9]\d* answered, 0 failed\./)
    // With dsr balancers carry requests alone: answers are pages of 8 KiB. A busy client acknowledges each segment of them.
    const bytes = [...out.text.matchAll(/^ {3}(\S+ -> \S+) +([\d.]+) (kB|MB) {3}/gm)]
    const sizes = bytes.map(([, , size, unit]) => Number(size) * (unit === 'MB' ? 1000 : 1))
    assert.equal(sizes.length, 3)
    assert.ok(sizes[2]! > 2 * sizes[0]!, sizes.join(', '))
    const [shown] = out.text.split('The lab is up.') as [string]
    for (const line of shown.split('\n')) assert.ok([...line].length <= 80, line)
    assert.match(out.text, /The lab is up\. To go on:\n.* lab shell --name va client +then: curl/)
    const [left] = await labStatus({ name: 'va', out })
    assert.deepEqual([left!.phase, left!.processes.every(({ running }) => running)], ['up', true])
  } finally {
    await labDown({ name: 'va', out })
  }
  assertGone('va')
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
    const [left] = await labStatus({ name: 've', out: page() })
    assert.equal(left!.phase, 'leftover')
    assert.ok(left!.processes.every(({ running }) => running))
    assert.ok((await sweep()).includes('ve'))
    for (const { pid } of left!.processes) assert.equal(identify(pid), undefined)
  })
  assertGone('ve')
})
