// redis: PING is answered by PONG, after a login where one is given. A server that wants a login and was given none
// answers, which is what was asked; one that loads its data, or has lost its master, is not ready.
// Reference: redis.io, "Redis serialization protocol specification" (inline commands, simple strings, errors).

import { Reader } from '../channel.ts'
import { type Checker, good, type Target } from '../checker.ts'
import { failed, shown } from '../failure.ts'
import { connectTo } from '../tcp-channel.ts'

/** RedisOptions: a login, of a user other than `default` where it is named. */
export interface RedisOptions {
  readonly user?: string
  readonly password?: string
}

/** redis: a checker of one target. */
export function redis(target: Target, { user, password }: RedisOptions = {}): Checker {
  const login =
    password === undefined ? undefined : command(...['AUTH', ...(user === undefined ? [] : [user]), password])
  return async (look) => {
    const channel = await connectTo(look, target)
    const reader = new Reader(channel, 1024)
    if (login) {
      look.doing = 'AUTH'
      await channel.write(login)
      const answer = await reader.line()
      if (answer !== '+OK') throw failed(`AUTH: ${shown(Buffer.from(answer, 'latin1'))}`)
    }
    look.doing = 'PING'
    await channel.write(command('PING'))
    const answer = await reader.line()
    if (answer === '+PONG') return good('PONG')
    if (answer.startsWith('-NOAUTH') && !login) return good('asks for a password')
    throw failed(`PING: ${shown(Buffer.from(answer, 'latin1'))}`)
  }
}

/** command: an array of bulk strings. */
const command = (...words: readonly string[]): Buffer =>
  Buffer.from(
    `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`,
  )
