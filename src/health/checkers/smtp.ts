// smtp: the server greets and answers EHLO; where it was asked for, STARTTLS and the handshake behind it. It is left with
// QUIT. References: RFC 5321 4.1.1.1, RFC 3207.

import { Reader } from '../channel.ts'
import { type Checker, good, type Target } from '../checker.ts'
import { adopt } from '../node-channel.ts'
import { mustReply } from '../reply.ts'
import { connectTo } from '../tcp-channel.ts'
import { secure, type TlsOptions } from '../tls-channel.ts'

/** SmtpOptions: `hello` is the name told by EHLO; `tls`: with STARTTLS. */
export interface SmtpOptions {
  readonly hello: string
  readonly tls?: TlsOptions
}

/** smtp: a checker of one target. */
export function smtp(target: Target, { hello, tls }: SmtpOptions): Checker {
  return async (look) => {
    const channel = await connectTo(look, target)
    const reader = new Reader(channel)
    look.doing = 'greeting'
    const { text } = await mustReply(reader, 'greeting', 220)
    look.doing = 'EHLO'
    await channel.write(Buffer.from(`EHLO ${hello}\r\n`))
    await mustReply(reader, 'EHLO', 250)
    if (tls === undefined) {
      await channel.write(Buffer.from('QUIT\r\n'))
      return good(text)
    }
    look.doing = 'STARTTLS'
    await channel.write(Buffer.from('STARTTLS\r\n'))
    await mustReply(reader, 'STARTTLS', 220)
    const { socket, warning } = await secure(look, adopt(look, channel), tls)
    socket.write('QUIT\r\n')
    const verdict = good(`${text}, ${socket.getProtocol()}`)
    return warning === undefined ? verdict : { ...verdict, warning }
  }
}
