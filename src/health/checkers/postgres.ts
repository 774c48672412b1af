// postgres: the server answers a start-up message; where a password is given, the login succeeds. Without one, that it
// asks for one, or does not know the user, is an answer too; that it starts up, shuts down or has no room is not.
// Reference: PostgreSQL documentation, "Frontend/Backend Protocol", Message Flow and Message Formats; RFC 5802, RFC 7677.

import { createHash } from 'node:crypto'
import { Reader } from '../channel.ts'
import { type Checker, good, type Target, type Verdict } from '../checker.ts'
import { failed } from '../failure.ts'
import { Scram } from '../scram.ts'
import { connectTo, type TcpChannel } from '../tcp-channel.ts'

/** PostgresOptions: `database` is the user's own if absent. */
export interface PostgresOptions {
  readonly user: string
  readonly password?: string
  readonly database?: string
}

const PROTOCOL_3 = 196_608
/** MESSAGE_LIMIT: longer than any message before the login is done. */
const MESSAGE_LIMIT = 16_384
/** MESSAGES: of a login and of what a server tells of itself behind it, some 20. */
const MESSAGES = 200

/** Kinds of authentication request. */
const AUTH = { ok: 0, cleartext: 3, md5: 5, sasl: 10, saslContinue: 11, saslFinal: 12 } as const

/** postgres: a checker of one target. */
export function postgres(target: Target, { user, password, database = user }: PostgresOptions): Checker {
  const startup = encodeStartup({ user, database, application_name: 'tenbin' })
  return async (look) => {
    const channel = await connectTo(look, target)
    const reader = new Reader(channel, MESSAGE_LIMIT)
    look.doing = 'answer'
    await channel.write(startup)
    const verdict = await logIn(channel, reader, user, password)
    await channel.write(encode('X', Buffer.alloc(0)))
    return verdict
  }
}

async function logIn(
  channel: TcpChannel,
  reader: Reader,
  user: string,
  password: string | undefined,
): Promise<Verdict> {
  let scram: Scram | undefined
  let isIn = false
  for (let count = 0; count < MESSAGES; count++) {
    const { type, body } = await readMessage(reader)
    if (type === 'E') return refusal(body, password !== undefined)
    // The login was right; whether there is such a database, and room, is told behind it.
    if (isIn && type === 'Z') return good(password === undefined ? 'lets in' : 'logged in')
    if (isIn) continue
    if (type !== 'R' || body.length < 4) throw failed('what the server said is not of PostgreSQL')
    const kind = body.readUInt32BE(0)
    if (kind === AUTH.ok) {
      isIn = true
      continue
    }
    if (password === undefined) return good('asks for a password')
    if (kind === AUTH.cleartext) await channel.write(encode('p', cString(password)))
    else if (kind === AUTH.md5)
      await channel.write(encode('p', cString(md5Of(user, password, body.subarray(4, 8)))))
    else if (kind === AUTH.sasl && body.includes('SCRAM-SHA-256\0')) {
      scram = new Scram(password)
      const first = Buffer.from(scram.first)
      const length = Buffer.alloc(4)
      length.writeUInt32BE(first.length)
      await channel.write(encode('p', Buffer.concat([cString('SCRAM-SHA-256'), length, first])))
    } else if (kind === AUTH.saslContinue && scram) {
      await channel.write(encode('p', Buffer.from(scram.answer(body.toString('utf8', 4)))))
    } else if (kind !== AUTH.saslFinal || !scram?.isRight(body.toString('utf8', 4)))
      throw failed(`the server asks for a login of a kind that is not known (${kind})`)
  }
  throw failed('login: the server comes to no end')
}

/** refusal: of an ErrorResponse. Classes 57 (starting, stopping) and 53 (no room) mean that it does not serve. */
function refusal(body: Buffer, isLogin: boolean): Verdict {
  const fields = new Map(
    body
      .toString('utf8')
      .split('\0')
      .map((field) => [field[0], field.slice(1)]),
  )
  const [code = '', words = ''] = [fields.get('C'), fields.get('M')?.slice(0, 80)]
  if (isLogin || !/^(28|3D)/.test(code)) throw failed(`${code}: ${words}`)
  return good(`answers: ${words}`)
}

async function readMessage(reader: Reader): Promise<{ readonly type: string; readonly body: Buffer }> {
  const head = await reader.exactly(5)
  const length = head.readUInt32BE(1) - 4
  if (length < 0 || length > MESSAGE_LIMIT) throw failed('what the server said is not of PostgreSQL')
  return { type: String.fromCharCode(head[0]!), body: Buffer.from(await reader.exactly(length)) }
}

function encodeStartup(parameters: Readonly<Record<string, string>>): Buffer {
  const words = Object.entries(parameters).flatMap(([name, value]) => [cString(name), cString(value)])
  const message = Buffer.concat([Buffer.alloc(8), ...words, Buffer.alloc(1)])
  message.writeUInt32BE(message.length, 0)
  message.writeUInt32BE(PROTOCOL_3, 4)
  return message
}

function encode(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeUInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

const cString = (text: string): Buffer => Buffer.from(`${text}\0`)
const md5 = (...parts: readonly (string | Buffer)[]): string => {
  const hash = createHash('md5')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}
const md5Of = (user: string, password: string, salt: Buffer): string => `md5${md5(md5(password, user), salt)}`
