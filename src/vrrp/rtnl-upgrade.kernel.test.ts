// An upgrade beside a vrrp process that runs on: when its rtnl process dies then, the one that is installed is of another
// version. The installation is a copy of the source in a folder of its own, so that it can be upgraded.

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { NetworkNamespace } from '../sys/namespace.ts'
import { RTNL_PROTOCOL } from './rtnl-protocol.ts'
import { setSpec } from './spec.fixture.ts'

const skip = process.geteuid?.() !== 0 && 'network namespaces need root'
const DEADLINE_MS = 20_000
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const ip = (line: string): string => execFileSync('ip', line.split(' '), { encoding: 'utf8' })

/** install what a vrrp process needs to run. */
function install(dir: string): void {
  for (const name of ['package.json', 'tsconfig.json', 'src'])
    cpSync(join(ROOT, name), join(dir, name), {
      recursive: true,
      filter: (path) => !path.endsWith('.test.ts'),
    })
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'))
}

/** upgrade to another version of what vrrp and its rtnl process say to each other. */
function upgrade(dir: string): void {
  const file = join(dir, 'src/vrrp/rtnl-protocol.ts')
  const [before, after] = [`RTNL_PROTOCOL = ${RTNL_PROTOCOL}\n`, `RTNL_PROTOCOL = ${RTNL_PROTOCOL + 1}\n`]
  const source = readFileSync(file, 'utf8')
  assert.ok(source.includes(before))
  writeFileSync(file, source.replace(before, after))
}

async function until<Found>(what: string, find: () => Found | undefined): Promise<Found> {
  for (const deadline = Date.now() + DEADLINE_MS; Date.now() < deadline; await delay(10)) {
    const found = find()
    if (found) return found
  }
  throw new Error(`no sign of ${what}`)
}

/** rtnlOf a vrrp process: its child. */
const rtnlOf = (pid: number): number | undefined =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')
    .split(' ')
    .filter(Boolean)
    .map(Number)
    .find((child) => readFileSync(`/proc/${child}/cmdline`, 'latin1').includes('rtnl-process'))

/** priorityOf a process's first thread: proc(5) rt_priority and policy. */
const priorityOf = (pid: number): string =>
  readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ').slice(37, 39).join(' ')

test('upgraded beneath it, a vrrp process whose rtnl process dies gives its roles up, says why, and asks for another', {
  skip,
}, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'rtnl-upgrade-'))
  using namespace = NetworkNamespace.create()
  namespace.enter()
  let pid: number | undefined
  try {
    for (const line of ['link add eth0 type veth peer name eth1', 'link set eth1 up', 'link set eth0 up'])
      ip(line)
    ip('addr add 10.0.0.2/24 dev eth0')
    install(dir)
    const spec = join(dir, 'spec.json')
    const set = setSpec({ advertMs: 100, priority: 255 }, { addresses: ['10.0.0.100/24'] })
    writeFileSync(spec, JSON.stringify({ sets: [set] }))
    const { vrrpCommand } = (await import(
      join(dir, 'src/vrrp/vrrp-command.ts')
    )) as typeof import('./vrrp-command.ts')
    const places = { socket: join(dir, 'sock'), kept: join(dir, 'kept'), counter: join(dir, 'counter'), spec }
    const [node, ...args] = vrrpCommand(places)
    const vrrp = spawn(node!, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    pid = vrrp.pid!
    const said = text(vrrp.stderr)
    const isHeld = () => ip('-4 -o addr show dev eth0').includes(' 10.0.0.100/24 ')
    await until('its address', isHeld)
    assert.equal(priorityOf(rtnlOf(pid)!), '0 0', 'or who reaps it might wait for it for ever')
    upgrade(dir)
    const ended = once(vrrp, 'exit', { signal: AbortSignal.timeout(DEADLINE_MS) })
    process.kill(rtnlOf(pid)!, 'SIGKILL')
    const how = await ended
    pid = undefined
    assert.deepEqual(how, [75, null], await said)
    assert.match(await said, /is of another version than this vrrp process: it gives all roles up/)
    assert.match(await said, /"from":"active","to":"initialize"/)
    await until('the end of its address', () => !isHeld())
  } finally {
    if (pid !== undefined) process.kill(pid, 'SIGKILL')
    rmSync(dir, { recursive: true })
  }
})
