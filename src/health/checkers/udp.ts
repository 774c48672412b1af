// udp: something is sent, and what is expected comes back. Where nothing is expected, silence is the best that a server
// can do: it is up unless ICMP says that nobody listens, for which a moment is waited.

import type { Pattern } from '../../base/pattern.ts'
import { SOCK_DGRAM } from '../../sys/socket.ts'
import { isErrno } from '../../sys/syscall.ts'
import { bad, type Checker, good, type Target } from '../checker.ts'
import { Datagrams } from '../datagrams.ts'
import { errnoVerdict, shown } from '../failure.ts'

/** UdpOptions: `send` may be empty, which is a datagram too. */
export interface UdpOptions {
  readonly send: Uint8Array
  readonly expect?: Pattern
}

/** UNREACHABLE_MS: how long an ICMP message is waited for, half of the time-out at most. */
const UNREACHABLE_MS = 500

/** udp: a checker of one target. */
export function udp(target: Target, { send, expect }: UdpOptions): Checker {
  return async (look) => {
    look.doing = 'send'
    const datagrams = new Datagrams(look, target, SOCK_DGRAM, 0)
    datagrams.send(send)
    look.doing = 'answer'
    try {
      if (!expect) {
        const isAnswered = await Promise.race([
          datagrams.receive(),
          quiet(look.own(new Timer()), look.timeoutMs),
        ])
        return good(isAnswered ? 'answers' : 'not refused')
      }
      const answer = await datagrams.receive()
      const matcher = expect.matcher()
      if (matcher.feed(answer) || matcher.end()) return good('as expected')
      return bad(`no ${shown(Buffer.from(expect.source))}: it said ${shown(answer, 40)}`)
    } catch (error) {
      if (!isErrno(error, 'ECONNREFUSED')) throw error
      return {
        ...errnoVerdict('answer', 'ECONNREFUSED'),
        text: 'nobody listens there (ICMP port unreachable)',
      }
    }
  }
}

/** Timer: a timer that ends with its look. */
class Timer implements Disposable {
  #handle: NodeJS.Timeout | undefined

  after(ms: number, then: () => void): void {
    this.#handle = setTimeout(then, ms)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#handle)
  }
}

const quiet = (timer: Timer, timeoutMs: number): Promise<undefined> =>
  new Promise((resolve) => timer.after(Math.min(UNREACHABLE_MS, timeoutMs / 2), () => resolve(undefined)))
