// The part of the fuzz of adverts (fuzz.ts) that has secrets in files: a set that got its key or password a moment ago, and had
// another one before, takes what is right by either of them, and nothing else.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { passwordBytes } from '../../src/vrrp/compose.ts'
import { type Expectation, type Judged, judge, type Received } from '../../src/vrrp/receive.ts'
import { SetSecrets } from '../../src/vrrp/set-secrets.ts'
import type { SetSpec } from '../../src/vrrp/spec.ts'
import { KEY_BYTES, type TrailerKey } from '../../src/wire/vrrp-trailer.ts'

/** PASSWORDS, KEYS: now and before. */
const WORDS = { now: 'secret', before: 'former' } as const
export const PASSWORDS = { now: passwordBytes(WORDS.now), before: passwordBytes(WORDS.before) } as const
const keyOf = (fill: number): TrailerKey => {
  const secret = new Uint8Array(KEY_BYTES).fill(fill)
  return { id: createHash('sha256').update(secret).digest()[0]!, secret }
}
export const KEYS = { now: keyOf(9), before: keyOf(8) } as const

export class ExchangedSecrets {
  readonly #expectation: Expectation
  readonly #set = new SetSecrets({ begin: () => undefined })

  /** Of one that has a password, or one key. */
  constructor(expectation: Expectation) {
    this.#expectation = expectation
    const folder = mkdtempSync(join(tmpdir(), 'tenbin-fuzz-'))
    this.#set.read(this.#spec('before', folder))
    this.#set.exchange(this.#spec('now', folder), 0)
    rmSync(folder, { recursive: true })
  }

  /** check what it makes of a packet; `strict`: what who never had another secret makes of it. Gives whether it counts. */
  check(received: Received, strict: Judged): boolean {
    const { password: _, keys: __, ...expected } = this.#expectation
    const judged = this.#set.judge({ member: 'lan', isBackup: true }, expected, received, 1)
    if (judged.kind === 'counts') {
      const before =
        this.#expectation.keys.length > 0 ? { keys: [KEYS.before] } : { password: PASSWORDS.before }
      const byBefore = judge({ ...this.#expectation, ...before }, new Map(), received)
      assert.ok(strict.kind === 'counts' || byBefore.kind === 'counts', 'right by neither secret')
    } else if (strict.kind === 'counts') assert.match(judged.refusal.name, /^trailer-(replayed|old-boot)$/)
    return judged.kind === 'counts'
  }

  #spec(when: keyof typeof KEYS, folder: string): Pick<SetSpec, 'auth' | 'version' | 'advertMs'> {
    const { router, keys } = this.#expectation
    const file = join(folder, when)
    const isKey = keys.length > 0
    writeFileSync(file, isKey ? KEYS[when].secret : WORDS[when])
    const auth: SetSpec['auth'] = isKey ? { kind: 'hmac', files: [file] } : { kind: 'pass', file }
    return { auth, version: router.version, advertMs: router.adverMs }
  }
}
