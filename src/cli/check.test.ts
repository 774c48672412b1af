import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import type { Uses } from '../daemon/examine.ts'
import { capture } from './captured.ts'
import type { Context } from './context.ts'
import { orTell } from './or-tell.ts'

const FILE = `nodes: { lb1: 203.0.113.2 }
interfaces: { lan: nosuch0 }
addresses: { front: { on: lan, ips: [203.0.113.100/24] } }
servers: { web01..10: 203.0.113.11..20 }
services:
  www: { listen: ["203.0.113.100:80", "203.0.113.100:443"], servers: web01..10, check: none }
`

let dir = ''
before(() => {
  dir = mkdtempSync(join(tmpdir(), 'check-'))
})
after(() => rmSync(dir, { recursive: true }))

function file(text: string): string {
  const path = join(dir, 'tenbin.yaml')
  writeFileSync(path, text)
  return path
}

test('a good file is ok, with what it would use, and warnings about this machine', async () => {
  const path = file(FILE)
  const { code, out, err } = await capture(['check', path])
  assert.equal(code, 0)
  assert.equal(err, '')
  assert.match(out, /^warning: this machine is none of the nodes: lb1 203\.0\.113\.2\n/)
  assert.ok(out.includes(`${path}: ok\n`))
  assert.match(out, /\nforwards +2 listeners to 10 servers\n/)
  assert.match(
    out,
    /\nflows +262,144 records, enough for\n +2,912 new flows a second that live 15m each to pool www,\n +while one of 10 servers is out \(10\.0 % moved\)\n/,
  )
  assert.match(
    out,
    /\ndefence +proof of source above 10,000 SYNs a second of a service\n +rule bare-syn: count\n +a recorder/,
  )
  assert.match(out, /\nflows +[\d.]+ MB +remembered flows/)
  assert.match(out, /\nin all +[\d.]+ MB\n/)
  for (const line of out.split('\n')) assert.ok(line.length <= 80, line)
  assert.match(out, /\nwww +203\.0\.113\.100:80, 203\.0\.113\.100:443 +10 servers\n/)
  assert.doesNotMatch(out, / \n/)
})

test('a file of which no program can be made is wrong as a whole, with what to do', () => {
  const told: string[] = []
  const context = { out: (text: string) => told.push(text) } as unknown as Context
  const unbuilt = () => {
    throw new TenbinError('PROGRAM_UNBUILT', 'build', { detail: 'it is too long' })
  }
  assert.equal(orTell(context, 'a.yaml', false, unbuilt), undefined)
  assert.match(told[0]!, /^a\.yaml: build: it is too long\n {2}the message says what .* have fewer/)
  orTell(context, 'a.yaml', true, unbuilt)
  const { ok, errors } = JSON.parse(told[1]!) as { ok: boolean; errors: readonly { code: string }[] }
  assert.deepEqual([ok, errors.map(({ code }) => code)], [false, ['PROGRAM_UNBUILT']])
  const bug = () => {
    throw new Error('a bug')
  }
  assert.throws(() => orTell(context, 'a.yaml', false, bug), /a bug/)
})

test('a file without a defence says so, and needs no memory for one', async () => {
  const { out } = await capture(['check', '--file-only', file(`${FILE}defence: off\n`)])
  assert.match(out, /\ndefence +off\n/)
  assert.doesNotMatch(out, /\n(recorder|proven|lists4) /)
})

test('a file for any machine warns about an interface that is not here', async () => {
  const { code, out } = await capture(['check', file(FILE.replace(/^nodes.*\n/, ''))])
  assert.equal(code, 0)
  assert.match(out, /^warning: interface nosuch0: this machine has no such interface: it has /)
})

test('--file-only does not look at this machine', async () => {
  const { code, out } = await capture(['check', '--file-only', file(FILE)])
  assert.equal(code, 0)
  assert.doesNotMatch(out, /warning/)
})

test('--json is one object', async () => {
  const { code, out } = await capture(['check', '--json', file(FILE)])
  assert.equal(code, 0)
  const answer = JSON.parse(out) as Record<string, unknown>
  assert.equal(answer.ok, true)
  assert.deepEqual(
    (answer.warnings as { code: string }[]).map((each) => each.code),
    ['NODE_UNKNOWN'],
  )
  const uses = answer.uses as Uses
  assert.equal(uses.servers, 10)
  assert.ok(uses.memoryBytes > 10_000 && uses.interfaces[0]!.instructions > 100)
})

test('every error is printed where it is, and nothing else', async () => {
  const path = file(FILE.replace('web01..10, ', 'web01..11, ').replace('check: none', 'chek: none'))
  const { code, out, err } = await capture(['check', path])
  assert.equal(code, 1)
  assert.equal(err, '')
  const lines = out.trimEnd().split('\n')
  assert.ok(lines.length >= 2, out)
  for (const line of lines) assert.ok(line.startsWith(`${path}:6:`), line)
  const json = JSON.parse((await capture(['check', '--json', path])).out) as Record<string, unknown>
  assert.equal(json.ok, false)
  assert.equal((json.errors as unknown[]).length, lines.length)
})

test('a file that cannot be read ends with 1 and says why', async () => {
  const { code, err } = await capture(['check', join(dir, 'missing.yaml')])
  assert.equal(code, 1)
  assert.match(err, /^tenbin: .*missing\.yaml: .*\n {2}remedy: /)
  const json = JSON.parse((await capture(['check', '--json', dir])).out) as { error: { code: string } }
  assert.equal(json.error.code, 'CONFIG_UNREADABLE')
})

test('debug listing -c prints the program that a file would make', async () => {
  const { code, out } = await capture(['debug', 'listing', '-c', file(FILE)])
  assert.equal(code, 0)
  assert.match(out, /packet-path\.ts:\d+/)
  assert.match(out, /\n +\d+ r0 = /)
  const bad = await capture(['debug', 'listing', '-c', file('services: 1\n')])
  assert.equal(bad.code, 1)
  assert.match(bad.err, /tenbin\.yaml:1:/)
})
