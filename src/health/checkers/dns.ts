// dns: a question is answered, by UDP or TCP, with the code and, where it was asked for, the data that are expected. An
// answer to another question, or of another id, is not the answer; over UDP it is waited for on. References: RFC 1035
// 4.2, RFC 5452 (what an answer must match).

import { randomInt } from 'node:crypto'
import { TenbinError } from '../../base/errors.ts'
import { SOCK_DGRAM } from '../../sys/socket.ts'
import {
  type DnsAnswer,
  type DnsQuestion,
  decodeDnsAnswer,
  encodeDnsQuestion,
  type Rcode,
  RECORD_TYPES,
  type RecordType,
} from '../../wire/dns.ts'
import { Reader } from '../channel.ts'
import { bad, type Checker, good, type Target, type Verdict } from '../checker.ts'
import { Datagrams } from '../datagrams.ts'
import { failed } from '../failure.ts'
import type { Look } from '../look.ts'
import { connectTo } from '../tcp-channel.ts'

/** DnsOptions: `rcode` absent: any answer will do. */
export interface DnsOptions {
  readonly transport: 'udp' | 'tcp'
  readonly name: string
  readonly type: RecordType
  readonly rcode?: Rcode
  /** One of the answers' data. */
  readonly answer?: string
}

/** dns: a checker of one target. */
export function dns(target: Target, options: DnsOptions): Checker {
  const ask = options.transport === 'udp' ? askByUdp : askByTcp
  return async (look) => {
    const question = { id: randomInt(65_536), name: options.name, type: options.type }
    return judge(await ask(look, target, question), options)
  }
}

async function askByUdp(look: Look, target: Target, question: DnsQuestion): Promise<DnsAnswer> {
  look.doing = 'send'
  const datagrams = new Datagrams(look, target, SOCK_DGRAM, 0)
  datagrams.send(encodeDnsQuestion(question))
  look.doing = 'answer'
  for (;;) {
    const answer = decode(await datagrams.receive())
    if (isTo(question, answer)) return answer
  }
}

async function askByTcp(look: Look, target: Target, question: DnsQuestion): Promise<DnsAnswer> {
  const channel = await connectTo(look, target)
  look.doing = 'answer'
  const message = encodeDnsQuestion(question)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  await channel.write(Buffer.concat([length, message]))
  const reader = new Reader(channel, 65_535)
  const answer = decode(await reader.exactly((await reader.exactly(2)).readUInt16BE()))
  if (!isTo(question, answer)) throw failed('an answer to another question')
  return answer
}

function decode(bytes: Buffer): DnsAnswer {
  try {
    return decodeDnsAnswer(bytes)
  } catch (error) {
    if (!(error instanceof TenbinError)) throw error
    throw failed(`not an answer of DNS: ${error.detail}`)
  }
}

/** Servers may leave the question out of a FORMERR (RFC 1035 4.1.1 leaves it open). */
const isTo = (asked: DnsQuestion, { id, question }: DnsAnswer): boolean =>
  id === asked.id &&
  (question === undefined ||
    (question.name.toLowerCase() === asked.name.toLowerCase() && question.type === RECORD_TYPES[asked.type]))

function judge({ rcode, data, isCut }: DnsAnswer, expected: DnsOptions): Verdict {
  if (expected.rcode !== undefined && rcode !== expected.rcode)
    return bad(`${rcode}, expected ${expected.rcode}`)
  const { answer } = expected
  if (answer === undefined) return good(data.length === 0 ? rcode : `${rcode}, ${data[0]!.slice(0, 60)}`)
  if (data.some((text) => text.toLowerCase() === answer.toLowerCase())) return good(answer)
  const cut = isCut ? ' (cut: ask by TCP)' : ''
  return bad(
    `no ${answer} among ${data.length === 0 ? 'no answers' : data.slice(0, 4).join(', ').slice(0, 80)}${cut}`,
  )
}
