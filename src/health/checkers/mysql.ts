// mysql: the server greets; where a user is given, the login succeeds. Without one a login without a name is tried all
// the same and its refusal is good: a server counts connections that break off in the greeting and at last refuses the
// whole host (max_connect_errors). References: MySQL internals, "Connection Phase"; MariaDB, "Connection".
// Left out: TLS; the long form of caching_sha2_password, which needs it (the server has to know the login already).

import { createHash } from 'node:crypto'
import { Reader } from '../channel.ts'
import { type Checker, good, type Target, type Verdict } from '../checker.ts'
import { failed } from '../failure.ts'
import { connectTo } from '../tcp-channel.ts'

/** MysqlOptions: who logs in. */
export interface MysqlOptions {
  readonly user?: string
  readonly password?: string
}

const MESSAGE_LIMIT = 4096
/** PACKETS: of a login: another plugin is asked for, its answer comes in two. */
const PACKETS = 4
// Capabilities: LONG_PASSWORD, PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH.
const CAPABILITIES = 0x0000_0001 | 0x0000_0200 | 0x0000_8000 | 0x0008_0000
const UTF8MB4 = 45
const ACCESS_DENIED = 1045

/** Kinds of packet, by their first byte. */
const OK = 0x00
const MORE = 0x01
const ERROR = 0xff
const SWITCH = 0xfe
/** Second byte of MORE, of caching_sha2_password. */
const FAST_DONE = 3

/** mysql: a checker of one target. */
export function mysql(target: Target, { user, password = '' }: MysqlOptions = {}): Checker {
  return async (look) => {
    const channel = await connectTo(look, target)
    const packets = new Packets(new Reader(channel, MESSAGE_LIMIT))
    look.doing = 'greeting'
    const greeting = readGreeting(await packets.read())
    look.doing = 'login'
    await channel.write(
      packets.encode(
        encodeLogin(user ?? '', proof(greeting.plugin, password, greeting.salt), greeting.plugin),
      ),
    )
    for (let count = 0; count < PACKETS; count++) {
      const packet = await packets.read()
      const kind = packet[0]
      if (kind === OK) {
        await channel.write(Buffer.from([1, 0, 0, 0, 1]))
        return good(user === undefined ? greeting.version : `${greeting.version}, logged in`)
      }
      if (kind === ERROR) return refused(packet, user, greeting.version)
      if (kind === MORE && packet[1] === FAST_DONE) continue
      if (kind === MORE) throw failed('login: the server wants TLS for this password (caching_sha2_password)')
      if (kind !== SWITCH) throw failed('what the server said is not of MySQL')
      const [plugin, salt] = readSwitch(packet)
      await channel.write(packets.encode(proof(plugin, password, salt)))
    }
    throw failed('login: the server comes to no end')
  }
}

function refused(packet: Buffer, user: string | undefined, version: string): Verdict {
  const { code, words } = readError(packet)
  if (user === undefined && code === ACCESS_DENIED) return good(version)
  throw failed(`login: ${code} ${words}`)
}

/** Packets: three bytes of length, a number, the payload. */
class Packets {
  readonly #reader: Reader
  #number = 0

  constructor(reader: Reader) {
    this.#reader = reader
  }

  async read(): Promise<Buffer> {
    const head = await this.#reader.exactly(4)
    const length = head.readUIntLE(0, 3)
    if (length === 0 || length > MESSAGE_LIMIT) throw failed('what the server said is not of MySQL')
    this.#number = head[3]!
    return Buffer.from(await this.#reader.exactly(length))
  }

  encode(payload: Buffer): Buffer {
    const head = Buffer.alloc(4)
    head.writeUIntLE(payload.length, 0, 3)
    head[3] = this.#number + 1
    return Buffer.concat([head, payload])
  }
}

/** readGreeting: HandshakeV10, or the error that comes in its place. Throws CHECK_FAILED. */
function readGreeting(packet: Buffer) {
  if (packet[0] === ERROR) {
    const { code, words } = readError(packet)
    throw failed(`greeting: ${code} ${words}`)
  }
  const end = packet.indexOf(0, 1)
  // Behind the version: thread 4, salt 8, zero 1, capabilities 2, charset 1, status 2, capabilities 2, length 1, zeros 10.
  const rest = packet.subarray(end + 1)
  if (packet[0] !== 10 || end < 0 || rest.length < 31) throw failed('what the server said is not of MySQL')
  const length = Math.max(13, rest[20]! - 8)
  const salt = Buffer.concat([rest.subarray(4, 12), rest.subarray(31, 31 + length - 1)])
  const plugin = rest.toString('latin1', 31 + length).split('\0')[0]
  return {
    version: packet
      .toString('latin1', 1, end)
      .replace(/[^\x20-\x7e]/g, '?')
      .slice(0, 60),
    salt,
    plugin: plugin === '' || plugin === undefined ? 'mysql_native_password' : plugin,
  }
}

const readError = (packet: Buffer) => ({
  code: packet.length >= 3 ? packet.readUInt16LE(1) : 0,
  words: packet
    .toString('latin1', 3)
    .replace(/^#.{5}/, '')
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, 100),
})

function readSwitch(packet: Buffer): [plugin: string, salt: Buffer] {
  const end = packet.indexOf(0, 1)
  if (end < 0) throw failed('login: the server wants an old kind of password')
  return [packet.toString('latin1', 1, end), packet.subarray(end + 1, end + 21)]
}

/** encodeLogin: HandshakeResponse41. */
function encodeLogin(user: string, secret: Buffer, plugin: string): Buffer {
  const head = Buffer.alloc(32)
  head.writeUInt32LE(CAPABILITIES, 0)
  head.writeUInt32LE(MESSAGE_LIMIT, 4)
  head[8] = UTF8MB4
  return Buffer.concat([
    head,
    Buffer.from(`${user}\0`),
    Buffer.from([secret.length]),
    secret,
    Buffer.from(`${plugin}\0`),
  ])
}

const hash = (algorithm: string, ...parts: readonly Buffer[]): Buffer => {
  const sum = createHash(algorithm)
  for (const part of parts) sum.update(part)
  return sum.digest()
}
const xor = (a: Buffer, b: Buffer): Buffer => Buffer.from(a.map((byte, index) => byte ^ b[index]!))

/** proof: what shows that we know the password. Throws CHECK_FAILED for a plugin that is not known. */
function proof(plugin: string, password: string, salt: Buffer): Buffer {
  const secret = Buffer.from(password)
  if (secret.length === 0) return secret
  if (plugin === 'mysql_native_password') {
    const once = hash('sha1', secret)
    return xor(once, hash('sha1', salt, hash('sha1', once)))
  }
  if (plugin === 'caching_sha2_password') {
    const once = hash('sha256', secret)
    return xor(once, hash('sha256', hash('sha256', once), salt))
  }
  throw failed(`login: the server wants ${plugin.slice(0, 40)}, which is not known`)
}
