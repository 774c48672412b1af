// What an address set proves its adverts by, and asks of others: files that are read when they change, and what was heard of
// each sender. Its idea: nodes get keys one after the other, in whatever order, and nobody may become active because of that.
// So for half a minute after its keys have changed a set goes on signing with the one that it signed with, and for a minute it
// takes what is signed with those that it had: whoever gets them within half a minute of it takes its adverts all the time, and
// it takes theirs. One that had none signs at once, which others take; as a backup it takes adverts without a trailer
// until it has heard one with one. What version 2 refuses, another password or interval, is sent and taken likewise, but no longer
// sent when somebody is heard who has the new one: a node that has started anew, or is not tenbin, takes that alone. Files that
// cannot be read any more change nothing: what was read of them counts on.

import type { IpPacket } from '../sys/ip-socket.ts'
import type { TrailerKey } from '../wire/vrrp-trailer.ts'
import { type Expectation, type Judged, judge, type Windows } from './receive.ts'
import { noSecrets, readSecrets, type Secrets, secretsStamp } from './secrets.ts'
import type { SetSpec } from './spec.ts'
import type { TrailerNumbers } from './trailer-numbers.ts'

/** KEEP_MS: so long a set whose keys have changed sends as before. TAKE_MS: and takes what was right before. */
const [KEEP_MS, TAKE_MS] = [30_000, 60_000] as const

export class SetSecrets {
  readonly #numbers: Pick<TrailerNumbers, 'begin'>
  #auth: SetSpec['auth']
  #secrets: Secrets = noSecrets
  /** Before they changed last; the first signed. */
  #former: readonly TrailerKey[] = []
  /** What version 2 asks of adverts, and asked before that changed last. */
  #rules: Rules = { password: undefined, adverMs: 0 }
  #formerRules: Rules | undefined
  #version: SetSpec['version'] = 3
  #keepsUntil = Number.NEGATIVE_INFINITY
  /** So long, of version 2, it sends by its former rules. */
  #rulesUntil = Number.NEGATIVE_INFINITY
  #takesUntil = Number.NEGATIVE_INFINITY
  #lenientUntil = Number.NEGATIVE_INFINITY
  #stamp = ''
  /** The `auth` that #secrets were read for. */
  #readFor: string | undefined
  #failed: string | undefined
  /** By member. */
  readonly #windows = new Map<string, Windows>()

  constructor(numbers: Pick<TrailerNumbers, 'begin'>) {
    this.#numbers = numbers
  }

  /** sending: what adverts are proved by at `now`; the first key signs. */
  sending(now: number): Secrets {
    const [signed] = now < this.#keepsUntil ? this.#former : []
    return { password: this.#rulesAt(now).password, keys: signed ? [signed] : this.#secrets.keys }
  }

  /** advertMs: the interval of adverts at `now`. */
  advertMs(now: number): number {
    return this.#rulesAt(now).adverMs
  }

  /** fault: why it can prove nothing: what it is to have was never read. */
  get fault(): string | undefined {
    return this.#isHeld ? undefined : this.#failed
  }

  /** unread: why files cannot be read any more; what was read before counts on. */
  get unread(): string | undefined {
    return this.#isHeld ? this.#failed : undefined
  }

  /** read the files of a set's `auth`; where one cannot be read none has changed: `fault` or `unread` says why. */
  read({ auth, version, advertMs: adverMs }: Rulers): void {
    this.#auth = auth
    this.#version = version
    this.#stamp = secretsStamp(auth)
    this.#failed = undefined
    try {
      const secrets = readSecrets(auth)
      // Whoever becomes active signs at once, and waits for no disk then.
      if (secrets.keys.length > 0) this.#numbers.begin()
      this.#secrets = secrets
      this.#readFor = JSON.stringify(auth)
    } catch (error) {
      this.#failed = (error as Error).message
    }
    this.#rules = { password: this.#secrets.password, adverMs }
  }

  /** exchange: read those of a set that runs, at `now`. */
  exchange(spec: Rulers, now: number): void {
    const { keys } = this.#secrets
    const rules = this.#rules
    const sent = this.#rulesAt(now)
    const [signed] = now < this.#keepsUntil ? this.#former : []
    this.read(spec)
    if (sameKeys(keys, this.#secrets.keys) && sameRules(rules, this.#rules)) return
    this.#formerRules = sent
    this.#former = signed ? [signed, ...keys.filter(({ id }) => id !== signed.id)] : keys
    this.#keepsUntil = now + KEEP_MS
    this.#rulesUntil = this.#keepsUntil
    this.#takesUntil = now + TAKE_MS
    if (keys.length === 0) this.#lenientUntil = this.#takesUntil
  }

  /** isStale: a file has changed since it was read, or could not be read. */
  get isStale(): boolean {
    return this.#failed !== undefined || secretsStamp(this.#auth) !== this.#stamp
  }

  /** judge a packet for a member at `now`; `isBackup`: as it is. */
  judge(
    { member, isBackup }: { readonly member: string; readonly isBackup: boolean },
    expected: Omit<Expectation, 'password' | 'keys'>,
    packet: IpPacket,
    now: number,
  ): Judged {
    const windows = this.#windows.get(member) ?? new Map()
    const judgeBy = (keys: readonly TrailerKey[], { password, adverMs }: Rules) => {
      const router = adverMs === expected.router.adverMs ? expected.router : { ...expected.router, adverMs }
      return judge({ ...expected, router, password, keys }, windows, packet)
    }
    const { keys } = this.#secrets
    const isTaken = now < this.#takesUntil
    const former = isTaken ? this.#former.filter(({ id }) => keys.every((key) => key.id !== id)) : []
    // Of keys that were taken away none is asked any more.
    const strict = judgeBy(keys.length === 0 ? [] : [...keys, ...former], this.#rules)
    const refusal = strict.kind === 'refused' ? strict.refusal.name : ''
    if (refusal === 'trailer-missing' && isBackup && now < this.#lenientUntil) return judgeBy([], this.#rules)
    if (VERSION_2.has(refusal) && isTaken && this.#formerRules) return judgeBy([], this.#formerRules)
    if (strict.kind === 'counts') {
      // Somebody sends as the file says already, and may take nothing else.
      this.#rulesUntil = Number.NEGATIVE_INFINITY
      this.#windows.set(member, strict.windows)
      if (keys.length > 0) this.#lenientUntil = Number.NEGATIVE_INFINITY
    }
    return strict
  }

  /** #isHeld: what the set is to have was read once. */
  get #isHeld(): boolean {
    return this.#readFor === JSON.stringify(this.#auth)
  }

  /** #rulesAt: what is sent. */
  #rulesAt(now: number): Rules {
    return (this.#version === 2 && now < this.#rulesUntil && this.#formerRules) || this.#rules
  }
}

type Rulers = Pick<SetSpec, 'auth' | 'version' | 'advertMs'>

/** VERSION_2: why it refuses what was right before the set changed. */
const VERSION_2: ReadonlySet<string> = new Set(['password', 'auth-mismatch', 'interval-mismatch'])

/** Rules: what adverts of version 2 must have. Of version 3 the interval alone, which others need not have. */
interface Rules {
  readonly password: Uint8Array | undefined
  readonly adverMs: number
}

const sameRules = (one: Rules, other: Rules): boolean =>
  one.adverMs === other.adverMs && `${one.password}` === `${other.password}`

const sameKeys = (some: readonly TrailerKey[], others: readonly TrailerKey[]): boolean =>
  some.length === others.length &&
  some.every(({ id, secret }, at) => others[at]!.id === id && Buffer.from(secret).equals(others[at]!.secret))
