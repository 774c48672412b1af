import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { Authority, type Pair } from './certificates.ts'
import { type Dialogue, dialogues, HANDSHAKE } from './dialogues.ts'
import { type Hostility, hostileServer, hostilities } from './hostile-servers.ts'
import { descriptors, lookAt, loopback, returns } from './look-at.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenbin-hostile-'))
after(() => rmSync(folder, { recursive: true }))
const authority = new Authority(folder)
const NAME = 'web.example'
const right = authority.sign(NAME, 60)
const verified = { name: NAME, verify: true, ca: authority.ca.cert }

/** TAKEN_LIMIT: what a check reads and the kernel holds for it, of a gigabyte. */
const TAKEN_LIMIT = 48 * 2 ** 20

/** Those that keep this process busy, too: one after the other. */
const pours: readonly Hostility[] = ['gigabyte', 'endless line']
const others = hostilities.filter((kind) => !pours.includes(kind))

/** outcomeOf: who says the last word as it should, and then much more, was right. */
const outcomeOf = (kind: Hostility, { turns }: Dialogue, turn: number): 'good' | 'bad' =>
  kind === 'gigabyte' && turn === turns.length - 1 && turns[turn] !== HANDSHAKE ? 'good' : 'bad'

/** against looks at a server that is right until that turn. */
async function against(kind: Hostility, name: string, turn: number): Promise<void> {
  const dialogue = dialogues[name]!
  const where = `${name}: ${kind} at turn ${turn}`
  await using server = await hostileServer(kind, { ...dialogue, turn, pair: right })
  // One that says a byte a second gets the time to say two, which must not add to it.
  const timeoutMs = kind === 'slow' ? 1200 : pours.includes(kind) ? 2000 : 600
  const { outcome, text } = await lookAt(dialogue.checker(loopback(server.port), verified), timeoutMs)
  assert.equal(outcome, outcomeOf(kind, dialogue, turn), `${where}: ${text}`)
  if (kind === 'refused') assert.match(text, /^((tcp|http): )?connect: refused$/)
  if (kind === 'mute' || kind === 'slow') assert.match(text, / timed out after (600|1200)ms$/, where)
  assert.match(text, /^[\x20-\x7e…]{1,250}$/, where)
  await returns(server.open, 0, `${where}: connections`)
  assert.ok(server.taken() < TAKEN_LIMIT, `${where}: ${server.taken()} bytes were taken`)
}

/** wrongCertificates: what is found where a certificate is asked for that is right. */
const wrongCertificates: readonly (readonly [string, () => Pair, RegExp])[] = [
  ['expired', () => authority.sign(NAME, -3), /^the certificate expired 2 days ago/],
  ['self-signed', () => authority.selfSigned(NAME), /^the certificate is self-signed/],
  ['for another name', () => authority.sign('api.example', 60), /is for api\.example, not for web\.example$/],
]

describe('no hostile server is up or keeps a verdict, memory or a descriptor', { concurrency: 5 }, () => {
  const before = descriptors()
  const memory = process.memoryUsage().rss
  for (const [name, dialogue] of Object.entries(dialogues))
    test(`${name}, at each turn`, async () => {
      const { checker, turns } = dialogue
      // The same server, when it is none, is up: what follows is about hostility.
      await using server = await hostileServer('mute', { ...dialogue, turn: turns.length, pair: right })
      const { outcome, text } = await lookAt(checker(loopback(server.port), verified))
      assert.equal(outcome, 'good', text)
      await Promise.all(turns.flatMap((_, turn) => others.map((kind) => against(kind, name, turn))))
      for (const kind of pours) for (const turn of turns.keys()) await against(kind, name, turn)
    })
  for (const [what, pairOf, expected] of wrongCertificates)
    test(`a certificate that is ${what}, for each kind that has one`, async () => {
      const pair = pairOf()
      for (const [name, dialogue] of Object.entries(dialogues)) {
        if (!dialogue.turns.includes(HANDSHAKE)) continue
        await using server = await hostileServer('mute', { ...dialogue, turn: dialogue.turns.length, pair })
        const { outcome, text } = await lookAt(dialogue.checker(loopback(server.port), verified))
        assert.equal(outcome, 'bad', name)
        assert.match(text, expected, name)
      }
    })
  after(async () => {
    await returns(descriptors, before, 'descriptors')
    const grown = (process.memoryUsage().rss - memory) / 2 ** 20
    assert.ok(grown < 200, `${grown} MiB more`)
  })
})
