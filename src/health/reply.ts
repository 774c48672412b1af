// Replies as FTP and SMTP servers give them: three digits, then text, over several lines where a dash follows the digits.
// References: RFC 959 4.2, RFC 5321 4.2.1.

import type { Reader } from './channel.ts'
import { failed, shown } from './failure.ts'

/** REPLY_LINES: longer replies are refused. */
const REPLY_LINES = 100

/** Reply: `text` is that of its last line. */
export interface Reply {
  readonly code: number
  readonly text: string
}

/** readReply reads one. Throws CHECK_FAILED: cut, too long, or no reply. */
export async function readReply(reader: Reader): Promise<Reply> {
  let first: string | undefined
  for (let count = 0; count < REPLY_LINES; count++) {
    const line = await reader.line()
    const match = /^([1-5]\d\d)(-| |$)(.*)$/.exec(line)
    // Lines in the middle of FTP's need not have the digits.
    if (first === undefined && !match) throw failed(`not a reply: ${shown(Buffer.from(line, 'latin1'), 40)}`)
    first ??= match![1]!
    if (match && match[1] === first && match[2] !== '-')
      return { code: Number(first), text: match[3]!.slice(0, 80) }
  }
  throw failed(`a reply of more than ${REPLY_LINES} lines`)
}

/** mustReply reads one that has one of these codes. Throws CHECK_FAILED. */
export async function mustReply(reader: Reader, what: string, ...codes: readonly number[]): Promise<Reply> {
  const reply = await readReply(reader)
  if (!codes.includes(reply.code)) throw failed(`${what}: ${reply.code} ${reply.text}`.trimEnd())
  return reply
}
