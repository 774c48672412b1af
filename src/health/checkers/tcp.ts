// tcp: a connection is made; if something is to be sent or expected, what the server says contains it. Its idea: a mere
// connect is the hot path (ten thousand a second), one socket and one callback, ended by a RST so that it leaves neither
// side a connection in TIME_WAIT; a conversation ends as conversations do.

import type { Pattern } from '../../base/pattern.ts'
import { type Checker, good, type Target, type Verdict } from '../checker.ts'
import { expectPattern } from '../expect.ts'
import { errnoVerdict } from '../failure.ts'
import type { Look } from '../look.ts'
import { beginTcp, connectTo } from '../tcp-channel.ts'

/** TcpOptions: neither: a connect is enough. */
export interface TcpOptions {
  readonly send?: Uint8Array
  readonly expect?: Pattern
}

/** tcp: a checker of one target. */
export function tcp(target: Target, { send, expect }: TcpOptions = {}): Checker {
  if (send === undefined && expect === undefined) return async (look) => connectOnly(look, target)
  return async (look) => {
    const channel = await connectTo(look, target)
    if (send !== undefined) {
      look.doing = 'send'
      await channel.write(send)
    }
    return expect === undefined ? good('sent') : expectPattern(look, channel, expect)
  }
}

const CONNECTED = good('connected')

function connectOnly(look: Look, target: Target): Promise<Verdict> {
  const socket = look.own(beginTcp(look, target))
  return new Promise((resolve) => {
    look.own(
      look.reactor.watch(socket.fd, { writable: true }, () => {
        const fault = socket.fault()
        if (fault === undefined) socket.forget()
        resolve(fault === undefined ? CONNECTED : errnoVerdict(look.doing, fault))
      }),
    )
  })
}
