// SCRAM-SHA-256, the client's side, as PostgreSQL asks for it: without channel binding, the user named elsewhere.
// References: RFC 5802 3 and 5, RFC 7677.

import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { failed } from './failure.ts'

/** ITERATIONS_LIMIT: a server may not keep us busy: 100 ms or so. PostgreSQL's own is 4,096. */
const ITERATIONS_LIMIT = 100_000

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** Scram: one exchange: `first`, then `answer` to what the server says, then `isRight` of its last word. */
export class Scram {
  readonly #password: string
  readonly #nonce: string
  #signature: string | undefined

  constructor(password: string, nonce = randomBytes(18).toString('base64')) {
    this.#password = password
    this.#nonce = nonce
  }

  /** first: client-first-message. */
  get first(): string {
    return `n,,${this.#bare}`
  }

  get #bare(): string {
    return `n=,r=${this.#nonce}`
  }

  /** answer: client-final-message. Throws CHECK_FAILED for a server-first-message that is none. */
  answer(serverFirst: string): string {
    const match = /^r=([^,]+),s=([^,]+),i=(\d{1,9})$/.exec(serverFirst)
    const [nonce = '', salt = '', count = ''] = match?.slice(1) ?? []
    const iterations = Number(count)
    // Once: each costs this process what ITERATIONS_LIMIT says.
    const isAgain = this.#signature !== undefined
    if (
      isAgain ||
      !match ||
      !nonce.startsWith(this.#nonce) ||
      iterations < 1 ||
      iterations > ITERATIONS_LIMIT
    )
      throw failed('login: the server does not follow SCRAM')
    const salted = pbkdf2Sync(this.#password, Buffer.from(salt, 'base64'), iterations, 32, 'sha256')
    const clientKey = hmac(salted, 'Client Key')
    const withoutProof = `c=biws,r=${nonce}`
    const message = `${this.#bare},${serverFirst},${withoutProof}`
    const signature = hmac(createHash('sha256').update(clientKey).digest(), message)
    const proof = Buffer.from(clientKey.map((byte, index) => byte ^ signature[index]!))
    this.#signature = hmac(hmac(salted, 'Server Key'), message).toString('base64')
    return `${withoutProof},p=${proof.toString('base64')}`
  }

  /** isRight: server-final-message: it knows the password too. */
  isRight(serverFinal: string): boolean {
    return this.#signature !== undefined && serverFinal === `v=${this.#signature}`
  }
}
