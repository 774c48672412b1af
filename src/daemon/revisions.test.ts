import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { ErrorCode } from '../base/error-catalogue.ts'
import { TenbinError } from '../base/errors.ts'
import { fakeCluster } from '../cluster/fake-peers.ts'
import { noPeers } from '../cluster/no-peers.ts'
import type { Peers } from '../cluster/peers.ts'
import { decodeContent, readContent } from '../revisions/content.ts'
import { PART } from '../revisions/peer-words.ts'
import { applyQuery, rollbackQuery } from './api-revisions.ts'
import { fileText, World } from './fake-world.ts'
import { Revisions } from './revisions.ts'

let folder = ''
let file = ''
let world: World
let revisions: Revisions
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'revisions-'))
  file = join(folder, 'tenbin.yaml')
  world = new World()
  writeFileSync(file, fileText())
})
afterEach(() => rmSync(folder, { recursive: true }))

const alone = { peers: noPeers, isActive: () => true }

/** start: the daemon, again if one was there: what it knew is gone. */
async function start(boot = 'a', peers: Peers = noPeers): Promise<void> {
  world.kill()
  const controller = world.make()
  revisions = new Revisions({
    ...{ folder: join(folder, 'kept'), file, controller, events: world.events!, boot },
    ...alone,
    peers,
    now: () => world.now,
  })
  await revisions.start()
}

const edit = (options: Parameters<typeof fileText>[0]) => writeFileSync(file, fileText(options))
const apply = (query: Record<string, string> = {}) =>
  revisions.apply(readContent(file).content, applyQuery.parse(query), 'alice as root')
const servers = () => world.packetPath.spec?.servers.length
const coded = (code: ErrorCode) => (e: unknown) => e instanceof TenbinError && e.code === code
const codes = () => revisions.problems().map(({ code }) => code)

test('the file of a first start is revision 1, and what is applied follows it', async () => {
  await start()
  edit({ servers: 3 })
  const { revision, changed } = await apply({ why: 'more traffic' })
  assert.deepEqual([servers(), changed, revision!.number, revision!.state], [3, true, 2, 'current'])
  assert.deepEqual(
    revisions.history().revisions.map(({ number, who, why, state }) => [number, who, why, state]),
    [
      [2, 'alice as root', 'more traffic', 'current'],
      [1, 'tenbin', 'first start', 'applied'],
    ],
  )
})

test('an edit that nobody applied is not run by a restart, and is shown; SIGHUP applies it', async () => {
  await start()
  edit({ servers: 3 })
  await start()
  await revisions.tick()
  assert.deepEqual([servers(), codes()], [2, ['FILE_NOT_APPLIED']])
  const reloading = revisions.reload('SIGHUP', 'SIGHUP')
  assert.deepEqual(codes(), [], 'what is being applied is not told to be another one')
  await reloading
  await revisions.tick()
  assert.deepEqual([servers(), codes()], [3, []])
  edit({ servers: 0 })
  await assert.rejects(revisions.reload('SIGHUP', 'SIGHUP'))
  await revisions.tick()
  assert.deepEqual([servers(), codes()], [3, ['FILE_NOT_APPLIED']])
})

test('a file that nobody touched becomes what is applied from elsewhere; one that somebody edits stays', async () => {
  const more = join(folder, 'conf.d', 'more.yaml')
  const elsewhere = join(folder, 'elsewhere', 'new.yaml')
  for (const each of [more, elsewhere]) mkdirSync(dirname(each))
  const include = '\ninclude: conf.d/*.yaml\n'
  writeFileSync(file, `${fileText()}${include}`)
  writeFileSync(more, 'limits: { flows: 2048 }')
  await start()
  await revisions.tick()
  const applyElsewhere = async (count: number, query: Record<string, string> = {}) => {
    writeFileSync(elsewhere, fileText({ servers: count }))
    await revisions.apply(readContent(elsewhere).content, applyQuery.parse(query), 'alice as root')
    await revisions.tick()
  }
  chmodSync(file, 0o640)
  // touched, and as it was
  await revisions.tick()
  await applyElsewhere(3, { confirm: '1m' })
  assert.deepEqual([servers(), codes()], [3, ['FILE_NOT_APPLIED']])
  await revisions.confirm('alice')
  await revisions.tick()
  assert.deepEqual(
    [readFileSync(file, 'utf8'), statSync(file).mode & 0o777, existsSync(more), codes()],
    [fileText({ servers: 3 }), 0o640, false, []],
  )
  await revisions.rollback(rollbackQuery.parse({}), 'alice')
  await revisions.tick()
  assert.deepEqual(
    [readFileSync(file, 'utf8'), readFileSync(more, 'utf8'), codes()],
    [`${fileText()}${include}`, 'limits: { flows: 2048 }', []],
  )
  const edited = `${fileText({ servers: 5 })}# tomorrow`
  writeFileSync(file, edited)
  await applyElsewhere(4)
  assert.deepEqual([readFileSync(file, 'utf8'), servers(), codes()], [edited, 4, ['FILE_NOT_APPLIED']])
  await revisions.reload('SIGHUP', 'SIGHUP')
  await revisions.tick()
  // a link is somebody's who has other plans with it
  renameSync(file, `${file}.real`)
  symlinkSync(`${file}.real`, file)
  await revisions.tick()
  assert.deepEqual(codes(), [])
  await applyElsewhere(3)
  assert.deepEqual([lstatSync(file).isSymbolicLink(), codes()], [true, ['FILE_NOT_APPLIED']])
})

test('a file that cannot even be looked at is another one than what counts, and ends nothing', async () => {
  await start()
  await revisions.tick()
  rmSync(file)
  symlinkSync(file, file)
  await revisions.tick()
  assert.deepEqual([servers(), codes()], [2, ['FILE_NOT_APPLIED']])
})

test('a file with errors does not keep a daemon from starting with what counts', async () => {
  await start()
  writeFileSync(file, 'services: {')
  await start()
  await revisions.tick()
  assert.deepEqual([servers(), codes()], [2, ['FILE_NOT_APPLIED']])
  rmSync(file)
  await revisions.tick()
  assert.deepEqual(codes(), ['FILE_NOT_APPLIED'])
  edit({})
  await revisions.tick()
  assert.deepEqual(codes(), [])
})

test('includes are part of a revision, byte for byte, also when they are gone from the disk', async () => {
  mkdirSync(join(folder, 'conf.d'))
  const more = join(folder, 'conf.d', 'more.yaml')
  writeFileSync(file, `${fileText()}\ninclude: conf.d/*.yaml\n`)
  writeFileSync(
    more,
    'services: { alt: { listen: [10.0.0.100:81], servers: web1, check: none } } # ünusual\r\n',
  )
  await start()
  const bytes = readFileSync(more)
  rmSync(more)
  await start()
  assert.equal(world.packetPath.spec?.services.length, 2)
  const { files } = decodeContent(revisions.show('1').content)
  assert.deepEqual([files[1]!.name, files[1]!.bytes], ['conf.d/more.yaml', bytes])
})

test('rollback goes back to the content before, or to one that is named, as a new revision', async () => {
  await start()
  edit({ servers: 3 })
  await apply()
  edit({ servers: 1 })
  await apply()
  const { revision } = await revisions.rollback(rollbackQuery.parse({ why: 'too few' }), 'root')
  assert.deepEqual([servers(), revision!.number, revision!.why], [3, 4, 'back to revision 2: too few'])
  await revisions.rollback(rollbackQuery.parse({ to: '1' }), 'root')
  assert.equal(servers(), 2)
  await assert.rejects(
    revisions.rollback(rollbackQuery.parse({ to: '99' }), 'root'),
    coded('REVISION_UNKNOWN'),
  )
})

test('what is not confirmed goes back by itself, also when the daemon was away, and is told', async () => {
  await start()
  edit({ servers: 3 })
  const { confirmUntil } = await apply({ confirm: '60s' })
  assert.ok(confirmUntil)
  assert.equal(revisions.status?.confirmUntil, confirmUntil)
  await assert.rejects(apply(), coded('APPLY_BUSY'))
  await start('another boot')
  assert.equal(servers(), 2)
  const kinds = world.events!.latest().map(({ kind }) => kind)
  assert.ok(kinds.includes('node.reverted'))
  assert.equal(revisions.history().revisions[0]!.state, 'not-applied')
})

test('what is confirmed stays; rollback takes back what is not yet', async () => {
  await start()
  edit({ servers: 3 })
  await apply({ confirm: '60s' })
  await revisions.confirm('root')
  edit({ servers: 1 })
  await apply({ confirm: '60s' })
  const { revision } = await revisions.rollback(rollbackQuery.parse({}), 'root')
  assert.deepEqual([servers(), revision!.number], [3, 2])
})

test('a node of which it cannot be found out whose past it has is a problem, with why', async () => {
  const network = fakeCluster(['lb1', 'lb2'])
  await start('a', network.node('lb1'))
  await revisions.tick()
  network.node('lb2').publish(PART, { state: 'settled', current: { number: 7, id: '7'.repeat(64) } })
  await revisions.tick()
  const [problem, ...others] = revisions.problems()
  assert.deepEqual([problem?.code, others], ['REVISION_DIFFERS', []])
  assert.match(
    problem!.message,
    /^lb2 has revision 7 7{8}, this node has revision 1 .*: .*lb2 does not answer revisions\/past$/,
  )
})

test('who is left out of an apply is another node of the file, or it is said that there is none of this name', async () => {
  await start()
  edit({ servers: 3 })
  for (const without of ['lb22', 'lb1', 'lb2,web1'])
    await assert.rejects(
      apply({ without }),
      (e) => coded('PEER_UNKNOWN')(e) && /(lb22|lb1|web1) is none of .* of the file: lb2$/.test(String(e)),
    )
  assert.equal(servers(), 2)
  await apply({ without: 'lb2' })
  assert.equal(servers(), 3)
})

test('a plan of before somebody else applied is refused', async () => {
  await start()
  const base = revisions.status!.id
  edit({ servers: 3 })
  await apply({ base })
  edit({ servers: 1 })
  await assert.rejects(apply({ base }), coded('REVISION_DIFFERS'))
  assert.equal(servers(), 3)
})

test('a file that this machine cannot run is refused with its words, and changes nothing', async () => {
  await start()
  edit({ nic: 'eth7' })
  await assert.rejects(apply(), coded('INTERFACE_MISSING'))
  assert.deepEqual([servers(), revisions.history().revisions.length], [2, 1])
})

test('a damaged journal is set aside and told, and the file is run', async () => {
  await start()
  writeFileSync(join(folder, 'kept', 'journal.json'), '{"format":1')
  edit({ servers: 3 })
  await start()
  assert.deepEqual([servers(), codes()], [3, ['REVISION_DAMAGED']])
})

test('a reason as long as may be is kept so that it can be read again, also by a rollback', async () => {
  await start()
  edit({ servers: 3 })
  await apply()
  await revisions.rollback(rollbackQuery.parse({ why: 'x'.repeat(1_000) }), 'root')
  await start()
  assert.deepEqual([servers(), revisions.status?.number, revisions.history().damaged], [2, 3, []])
})

test('where the revision that counts is gone that is told, and the file that is run is nobody’s decision', async () => {
  await start()
  edit({ servers: 3 })
  await apply()
  const kept = join(folder, 'kept')
  for (const name of readdirSync(kept)) if (name.startsWith('00000002')) rmSync(join(kept, name))
  edit({ servers: 1 })
  await start()
  assert.equal(servers(), 1)
  const refused = world.events!.latest().find(({ kind }) => kind === 'node.refused')
  assert.match(refused!.text, /revision 2 counts, and there is no such whole file in /)
  const { number, who } = revisions.status!
  assert.deepEqual([number, who], [1, 'tenbin'])
})

test('a first revision that cannot be kept is told, and kept as soon as there is room', async () => {
  const kept = join(folder, 'kept')
  await start()
  for (const name of readdirSync(kept)) rmSync(join(kept, name))
  rmSync(kept, { recursive: true })
  world = new World()
  const controller = world.make()
  revisions = new Revisions({
    ...{ folder: kept, file, controller, events: world.events!, boot: 'a', now: () => world.now },
    ...alone,
  })
  rmSync(kept, { recursive: true })
  writeFileSync(kept, 'no folder')
  await revisions.start()
  assert.deepEqual([servers(), codes()], [2, ['REVISIONS_UNKEPT']])
  rmSync(kept)
  await revisions.tick()
  assert.deepEqual([codes(), revisions.history().revisions.length], [[], 1])
})
