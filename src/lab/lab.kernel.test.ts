import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import { createNamed } from '../sys/named-namespace.ts'
import type { Shape } from './attack-shape.ts'
import { theOnly } from './find-lab.ts'
import { Lab } from './held-lab.ts'
import { labDown, labStatus, labTrouble, labUp } from './lab.ts'
import { labAttack } from './lab-attack.ts'
import { locked } from './lock.ts'
import { identify } from './processes.ts'
import { runIn } from './run.ts'
import { labShell } from './shell.ts'
import { claim, forget, LAB_DIR, type LabState, labDirectory, labNamespaces, recall, save } from './state.ts'
import type { LabOutput } from './terminal.ts'
import { labTopology } from './topology.ts'
import type { Trouble } from './trouble.ts'
import type { WhoAnswer } from './web-server.ts'

const skip = process.geteuid?.() !== 0 && 'network namespaces need root'

const withCode = (code: string) => (error: unknown) => error instanceof TenbinError && error.code === code

/** paper: an output that keeps what is written. */
function paper(): LabOutput & { text: string } {
  const page = {
    text: '',
    write: (part: string) => {
      page.text += part
    },
    isTerminal: false,
    coloured: false,
    columns: 80,
  }
  return page
}

test('up, status, shell and down: requests go through tenbin, and down leaves nothing', {
  skip,
}, async () => {
  const out = paper()
  const lab = await labUp({ name: 'ua', servers: 2, out })
  try {
    assert.match(out.text, /Lab ua is up: 10\.0\.0\.100:80 is balanced by tenbin on lb1\./)
    const { pid } = lab.processes.find(({ what }) => what === 'tenbin')!
    assert.ok(
      out.text.includes(`${labDirectory('ua')}/tenbin.yaml: after a change, kill -HUP ${pid} applies it.`),
    )
    const urls = Array<string>(20).fill('http://10.0.0.100/')
    const answers = await runIn('tenbin-ua-client', [
      'curl',
      '-sS',
      '-m',
      '5',
      '-H',
      'Connection: close',
      ...urls,
    ])
    assert.match(answers, /^(web0[12]\n){20}$/)

    const page = paper()
    const [view] = await labStatus({ name: 'ua', out: page })
    assert.deepEqual(view, { ...lab, phase: 'up' })
    assert.deepEqual(
      lab.processes.map(({ what, node, running }) => [what, node, running]),
      [
        ['web servers', 'switch', true],
        ['tenbin', 'lb1', true],
      ],
    )
    assert.match(page.text, /^ua: up, 10\.0\.0\.100:80 by dsr, /)
    assert.match(page.text, /web02 +server +10\.0\.0\.12/)

    assert.equal(await labShell({ name: 'ua', node: 'lb1', command: ['sh', '-c', 'exit 7'] }), 7)
    const own = ['sh', '-c', 'ip -br addr show eth0 | grep -q 10.0.0.12'] as const
    assert.equal(await labShell({ name: 'ua', node: 'web02', command: own }), 0)
    const asks = [
      'bash',
      '-c',
      'tenbin status >/dev/null && tenbin debug listing | grep -q packet-path.ts',
    ] as const
    assert.equal(await labShell({ name: 'ua', node: 'client', command: asks }), 0)
    assert.equal(await labShell({ name: 'ua', node: 'client', command: ['sh', '-c', 'kill -9 $$'] }), 137)
    assert.equal(await labShell({ name: 'ua', node: 'client', command: ['tenbin-nonexistent'] }), 127)
    await assert.rejects(labShell({ name: 'ua', node: 'web03', command: own }), withCode('LAB_NODE_UNKNOWN'))

    await troubles('ua')
  } finally {
    assert.equal(await labDown({ name: 'ua', out }), 'ua')
  }
  assert.match(out.text, /Lab ua is removed\.\n$/)
  for (const { pid } of lab.processes) assert.equal(identify(pid), undefined)
  assert.deepEqual(labNamespaces('ua'), [])
  assert.equal(existsSync(labDirectory('ua')), false)
  assert.equal(existsSync('/sys/fs/bpf/tenbin/ua-lb1'), false)
  await assert.rejects(labStatus({ name: 'ua', out }), withCode('LAB_UNKNOWN'))
  await assert.rejects(labDown({ name: 'ua', out }), withCode('LAB_UNKNOWN'))
})

/** troubles: what befalls a node is seen by status, and heal undoes it. */
async function troubles(name: string): Promise<void> {
  const out = paper()
  const befall = async (trouble: Trouble, node = 'lb1') => {
    const { nodes, processes } = await labTrouble({ name, trouble, node, out })
    const { cut, holds } = nodes.find((each) => each.name === node)!
    const { running, frozen } = processes.findLast(({ what }) => what === 'tenbin')!
    return { cut, holds, running, frozen }
  }
  const well = { cut: undefined, holds: ['10.0.0.100'], running: true, frozen: undefined }
  assert.deepEqual(await befall('freeze'), { ...well, frozen: true })
  assert.deepEqual(await befall('heal'), well)
  assert.deepEqual(await befall('cut'), { ...well, cut: ['front'] })
  await labStatus({ name, out })
  assert.deepEqual(await befall('kill'), { ...well, cut: ['front'], running: false })
  assert.deepEqual(await befall('heal'), well)
  assert.deepEqual((await befall('cut', 'web01')).cut, ['front'])
  assert.deepEqual((await befall('heal', 'web01')).cut, undefined)
  for (const said of [
    /^\d process(es)? stopped on lb1\.$/m,
    /^The cables of lb1 are in, \d process(es)? resumed\.$/m,
    /^lb1 is cut off from every network\.$/m,
    /^ {2}lb1 +balancer +10\.0\.0\.2 .* {2}has 10\.0\.0\.100 {2}cut from front$/m,
    /^\d process(es)? killed on lb1\.$/m,
    /^The cables of lb1 are in, tenbin started\.$/m,
  ])
    assert.match(out.text, said)
  for (const [trouble, node, network] of [
    ['kill', 'web01'],
    ['freeze', 'client'],
    ['cut', 'switch'],
    ['cut', 'lb1', 'back'],
  ] as const)
    await assert.rejects(
      labTrouble({ name, trouble, node, ...(network && { network }), out }),
      withCode('LAB_OPTION_INVALID'),
    )
}

test('up with IPv6: both families are balanced over the same servers, and status and hints show them', {
  skip,
}, async () => {
  const out = paper()
  const lab = await labUp({ name: 'uf', servers: 2, ipv6: true, out })
  try {
    assert.match(
      out.text,
      /uf is up: 10\.0\.0\.100:80 and \[2001:db8::100\]:80 are balanced by tenbin on lb1\./,
    )
    assert.match(
      out.text,
      /shell --name uf client +then: curl http:\/\/10\.0\.0\.100\/\n +or: curl http:\/\/\[2001:db8::100\]\//,
    )
    const page = paper()
    assert.deepEqual(await labStatus({ name: 'uf', out: page }), [{ ...lab, phase: 'up' }])
    assert.match(page.text, /^ {2}web02 +server +10\.0\.0\.12 +2001:db8::12 +tenbin-uf-web02$/m)
    for (const address of ['10.0.0.100', '[2001:db8::100]']) {
      const urls = Array<string>(20).fill(`http://${address}/`)
      const curl = ['curl', '-sS', '-m', '5', '-H', 'Connection: close', ...urls] as const
      const answers = (await runIn('tenbin-uf-client', curl)).trim().split('\n')
      assert.deepEqual([answers.length, ...new Set(answers.toSorted())], [20, 'web01', 'web02'])
    }
    const who = JSON.parse(
      await runIn('tenbin-uf-client', ['curl', '-sS', 'http://[2001:db8::100]/who']),
    ) as WhoAnswer
    assert.deepEqual(
      [who.service, who.client.replace(/\d+$/, '')],
      ['[2001:db8::100]:80', '[2001:db8::200]:'],
    )
    await attacks('uf')
  } finally {
    await labDown({ name: 'uf', out })
  }
  assert.deepEqual(labNamespaces('uf'), [])
})

/** attacks of each kind come in at the balancer, at about the rate; what they are is said. */
async function attacks(name: string): Promise<void> {
  const out = paper()
  const run = (attack: Shape | 'slow', ipv6 = false) =>
    labAttack({ name, attack, perSecond: 2000, forMs: 300, ipv6, out })
  for (const [attack, ipv6] of [
    [{ flood: 'syn', window: 0, noOptions: true, spoof: true }, false],
    [{ flood: 'ack' }, true],
  ] as const) {
    const { sent, seconds, outcomes } = await run(attack, ipv6)
    // No rate is made up for beyond a twentieth of a second.
    assert.ok(sent > 0 && sent <= 2000 * seconds + 100, `${sent} in ${seconds} s`)
    // The balancer's queue may overflow while the machine does other things.
    assert.ok(outcomes.lb1!.forwarded! >= sent / 2, `${outcomes.lb1!.forwarded} of ${sent} forwarded`)
  }
  const { sent, open } = await run('slow')
  assert.ok(sent > 0 && open! > 0, `${open} of ${sent} open`)
  for (const said of [
    /^SYNs to 10\.0\.0\.100:80, 2,000 a second, from addresses that are nobody's\.$/m,
    /^ACKs of no connection to \[2001:db8::100\]:80, 2,000 a second, from the attacker's own addresses\.$/m,
    /^\d\.\d s: [\d,]+ sent, [\d,]+\/s, to lb1$/m,
    /^lb1: forwarded [\d,]+/m,
    /^Connections to 10\.0\.0\.100:80 whose requests never end, 2,000 a second\.$/m,
  ])
    assert.match(out.text, said)
}

test('a lab that a command holds is LAB_IN_USE for down; without IPv6 it is not attacked there', {
  skip,
}, async () => {
  await using lab = await Lab.hold({ name: 'ub', servers: 1 })
  const attack: Shape = { flood: 'syn' }
  const options = { name: 'ub', attack, forMs: 1, ipv6: true, out: paper() }
  await assert.rejects(labAttack(options), withCode('LAB_OPTION_INVALID'))
  await assert.rejects(labDown({ name: 'ub', out: paper() }), withCode('LAB_IN_USE'))
  assert.equal((await labStatus({ name: 'ub', out: paper() }))[0]!.phase, 'held')
  assert.equal(labNamespaces('ub').length, lab.topology.nodes.length + 1)
})

test('down cleans by name alone: a state that is lost, or damaged (LAB_STATE_DAMAGED)', {
  skip,
}, async () => {
  createNamed('tenbin-uc-web01')[Symbol.dispose]()
  assert.equal(await labDown({ name: 'uc', out: paper() }), 'uc')
  assert.deepEqual(labNamespaces('uc'), [])

  createNamed('tenbin-ud-web01')[Symbol.dispose]()
  mkdirSync(LAB_DIR, { recursive: true })
  for (const text of ['{"format":1', '{"format":2,"topology":{"lab":"ud"}}']) {
    writeFileSync(`${LAB_DIR}/ud.json`, text)
    await assert.rejects(labStatus({ name: 'ud', out: paper() }), withCode('LAB_STATE_DAMAGED'))
    assert.ok(!(await labStatus({ out: paper() })).some(({ name }) => name === 'ud'))
  }
  await labDown({ name: 'ud', out: paper() })
  assert.deepEqual(labNamespaces('ud'), [])
  assert.equal(recall('ud'), undefined)
})

test('a lab whose namespaces a reboot took is a leftover', { skip }, () =>
  locked(async () => {
    save({ ...claim(labTopology('ue'))!, phase: 'up' })
    try {
      const out = paper()
      assert.equal((await labStatus({ name: 'ue', out }))[0]!.phase, 'leftover')
      assert.match(out.text, /\n {2}nobody's any more: `.*tenbin lab down --name ue` removes it\n$/)
    } finally {
      forget('ue')
    }
  }),
)

test('without a name the only lab is meant, or the only one that is up', () => {
  const state = (lab: string, phase: LabState['phase']): LabState => ({
    format: 1,
    phase,
    owner: { pid: 1, startTime: '1' },
    createdAt: '2026-01-01T00:00:00.000Z',
    topology: labTopology(lab),
    processes: [],
  })
  assert.throws(() => theOnly([]), withCode('LAB_UNKNOWN'))
  assert.equal(theOnly([state('lab', 'held')]).topology.lab, 'lab')
  assert.equal(theOnly([state('lab', 'held'), state('lab2', 'up')]).topology.lab, 'lab2')
  assert.throws(() => theOnly([state('lab', 'up'), state('lab2', 'up')]), withCode('LAB_AMBIGUOUS'))
  assert.throws(() => theOnly([state('lab', 'held'), state('lab2', 'held')]), withCode('LAB_AMBIGUOUS'))
})
