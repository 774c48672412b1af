// The commands of changes as they are typed, against a daemon's API on a real socket; its machine is in memory.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { noPeers } from '../cluster/no-peers.ts'
import { apiApp } from '../daemon/api-app.ts'
import type { Operations } from '../daemon/api-routes.ts'
import { type ApiServer, serveApi } from '../daemon/api-server.ts'
import { fileText, World } from '../daemon/fake-world.ts'
import { openLog } from '../daemon/log.ts'
import { Revisions } from '../daemon/revisions.ts'
import { capture } from './captured.ts'

let folder = ''
let file = ''
let world: World
let api: ApiServer
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'apply-'))
  file = join(folder, 'tenbin.yaml')
  writeFileSync(file, fileText())
  world = new World()
  const controller = world.make()
  const revisions = new Revisions({
    ...{ folder: join(folder, 'kept'), file, controller, events: world.events!, boot: 'a', peers: noPeers },
    now: () => new Date(),
    isActive: () => true,
  })
  await revisions.start()
  const status = async () => ({ ...(await controller.status()), file: { path: file } })
  const operations = { revisions, status, events: world.events! } as unknown as Operations
  const log = openLog({ level: 'error', pretty: false, colour: false, write: () => undefined })
  api = await serveApi(join(folder, 'test.sock'), apiApp(operations, log))
})
afterEach(async () => {
  await api.close()
  world.kill()
  rmSync(folder, { recursive: true })
})

const tenbin = (line: string, isTerminal = false, says = false) =>
  capture([...line.split(' '), '--socket', join(folder, 'test.sock')], isTerminal, [80, 24], says)
const edit = (options: Parameters<typeof fileText>[0]) => writeFileSync(file, fileText(options))
const servers = () => world.packetPath.spec?.servers.length

/** ALONE: the file of these tests has two nodes. */
const ALONE = '  note: lb2 was not asked: this node is in no cluster (tenbin cluster init)\n'

test('apply, history, show, diff, rollback: a change from the file and back', async () => {
  edit({ servers: 3 })
  assert.match((await tenbin('diff')).out, /\n-servers: \{ web1\.\.2: .*\n.*\n?\+servers: \{ web1\.\.3: /s)
  const applied = await tenbin('apply -m ticket-7')
  assert.deepEqual([applied.code, applied.out], [0, `revision 2 applied\n${ALONE}`])
  assert.equal(servers(), 3)
  const { out } = await tenbin('history')
  assert.match(
    out,
    /^REVISION {2}ID .*\n {7}2 {2}[0-9a-f]{8} {2}\d\d:\d\d:\d\d {2}\S.* current {2}ticket-7\n {7}1 /,
  )
  assert.match(out, /ticket-7\n.*\btenbin\b.*first start\n$/)
  assert.equal((await tenbin('show 1')).out, fileText())
  assert.equal((await tenbin('diff')).out, '')
  assert.match(
    (await tenbin('diff 1 2')).out,
    /^--- tenbin\.yaml \(revision 1\)\n\+\+\+ tenbin\.yaml \(revision 2\)\n@@ /,
  )
  const back = await tenbin('rollback')
  assert.deepEqual([back.code, back.out, servers()], [0, `revision 3 applied\n${ALONE}`, 2])
})

test('plan shows what comes, what moves and what breaks, and changes nothing', async () => {
  edit({ servers: 3 })
  const { code, out } = await tenbin('plan')
  assert.equal(code, 0)
  assert.match(out, /^\+ server web3\n~ pool www: members: \+ web3\n/)
  assert.match(out, /\nSERVICE {2}NEW FLOWS MOVED {2}CONNECTIONS BROKEN\nwww {5,}3\d[\d.]* % {14,16}none\n$/)
  assert.equal(servers(), 2)
  edit({ check: '{ tcp: {}, every: 1s }', more: 'defaults: { hash: source }' })
  assert.match(
    (await tenbin('plan')).out,
    /^~ service www: check: none -> tcp, every: 1s.*; hash: flow -> source\n[\s\S]*www +~50\.?\d* % +none\n$/,
  )
  edit({})
  assert.equal((await tenbin('plan')).out, 'nothing would change\n')
  const json = JSON.parse((await tenbin('plan --json')).out)
  assert.deepEqual([json.actions, json.moves], [[], []])
})

test('on a terminal apply shows the plan and asks; --yes does not', async () => {
  edit({ servers: 3 })
  const asked = await tenbin('apply', true)
  assert.equal(asked.code, 1)
  assert.match(asked.out, /NEW FLOWS MOVED[\s\S]*\napply this\?\n$/)
  assert.equal(servers(), 2)
  assert.equal((await tenbin('apply', true, true)).code, 0)
  assert.equal(servers(), 3)
  edit({ servers: 1 })
  const { out } = await tenbin('apply --yes', true)
  assert.doesNotMatch(out, /apply this/)
  assert.equal(servers(), 1)
})

test('confirm keeps what waits for it, and is refused when nothing does', async () => {
  edit({ servers: 3 })
  const { out } = await tenbin('apply --confirm 60s')
  assert.ok(out.includes(ALONE))
  assert.match(
    out.replace(ALONE, ''),
    /^revision 2 applied\n {2}it is taken back at \d\d:\d\d:\d\d unless you say tenbin confirm\n$/,
  )
  assert.equal((await tenbin('confirm')).out, 'revision 2 confirmed\n')
  const again = await tenbin('confirm')
  assert.equal(again.code, 1)
  assert.match(again.err, /nothing waits to be confirmed/)
})

test('a file with errors is told with its places before the daemon is asked', async () => {
  writeFileSync(file, 'services: { www: {} }')
  for (const command of ['apply', 'plan']) {
    const { code, err } = await tenbin(command)
    assert.equal(code, 1)
    assert.match(err, /tenbin\.yaml:1:\d+: /)
  }
})

test('what cannot be a revision, a time or a node is told as such', async () => {
  for (const [line, code, said] of [
    ['show many', 2, /a revision is a number of tenbin history, not "many"/],
    ['show 99', 1, /there is no revision 99/],
    ['rollback x', 2, /not "x"/],
    ['apply --confirm 60', 2, /--confirm: "60" has no unit/],
    ['apply --confirm 1ms', 2, /--confirm takes a time from 1s to 24h/],
    ['sync --from lb9', 1, /lb9 is not connected/],
  ] as const) {
    const result = await tenbin(line)
    assert.equal(result.code, code, line)
    assert.match(result.err, said)
  }
  assert.equal((await tenbin('sync')).out, 'all nodes that are connected run the same\n')
})
