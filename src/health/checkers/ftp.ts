// ftp: the server greets and answers NOOP. That one wants a login first (530) is an answer too; 421, which says that it
// is about to close, is not. Reference: RFC 959 5.4.

import { Reader } from '../channel.ts'
import { type Checker, good, type Target } from '../checker.ts'
import { mustReply } from '../reply.ts'
import { connectTo } from '../tcp-channel.ts'

/** ftp: a checker of one target. */
export function ftp(target: Target): Checker {
  return async (look) => {
    const channel = await connectTo(look, target)
    const reader = new Reader(channel)
    look.doing = 'greeting'
    const { text } = await mustReply(reader, 'greeting', 220)
    look.doing = 'NOOP'
    await channel.write(Buffer.from('NOOP\r\n'))
    await mustReply(reader, 'NOOP', 200, 530)
    await channel.write(Buffer.from('QUIT\r\n'))
    return good(text)
  }
}
