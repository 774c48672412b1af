// `forward: nat` in the model: what is translated on its way to a server and back, and what is kept for it
// (docs/packet-path.md, "Nat"). It changes the table of answers as the packet path does.

import { macBytes } from '../base/addresses.ts'
import { ipBytes } from '../wire/ipv6.ts'
import { tcpFlag } from '../wire/tcp.ts'
import { HOP_VIA } from './answer-record.ts'
import { sourceBit, wordsOfAddress } from './answer-sources.ts'
import { type AnswerKey, AnswerTable, createAnswerKey, type Origin } from './answer-table.ts'
import { limitsOf } from './flow-clock.ts'
import type { FlowKind, FlowMemory } from './flow-decision.ts'
import { flowKeys } from './flow-keys.ts'
import { FLOW, isOlder, tickOf } from './flow-record.ts'
import { bucketsOf, memoryOf } from './memory.ts'
import type { Shape, Tables } from './shape.ts'
import { decrementHops, type Replacement, translate, translateFragment, translateQuote } from './translate.ts'

const le16 = (frame: Uint8Array, at: number): number => frame[at]! + frame[at + 1]! * 0x100
const le32 = (frame: Uint8Array, at: number): number => le16(frame, at) + le16(frame, at + 2) * 0x10000
const swap16 = (value: number): number => ((value & 0xff) << 8) | (value >> 8)
const wordsAt = (frame: Uint8Array, at: number, length: number): number[] =>
  Array.from({ length: length / 4 }, (_, i) => le32(frame, at + 4 * i))
const portBytes = (port: number): Uint8Array => Uint8Array.of(port & 0xff, port >> 8)
const bytesOfWords = (words: readonly number[], length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => words[i >> 2]! >>> (8 * (i & 3)))

/** Request: a packet of a client, where its headers are, and the server that it goes to. */
export interface Request {
  readonly frame: Uint8Array
  readonly ip: number
  readonly at: number
  readonly isIpv6: boolean
  readonly kind: FlowKind
  readonly service: number
  readonly server: number
}

/** Following: a packet that only belongs to a flow; `quoted`: where the IP header is that an error quotes. */
export interface Following {
  readonly frame: Uint8Array
  readonly ip: number
  readonly isIpv6: boolean
  readonly service: number
  readonly server: number
  readonly quoted?: number | undefined
}

/** Answering: a packet for no listener, which may be a server's answer, or belong to one. */
export interface Answering {
  readonly frame: Uint8Array
  readonly ip: number
  readonly isIpv6: boolean
  readonly protocol: 'tcp' | 'udp'
  /** Where the server's address is in the frame, and the word of both ports as an answer has them. */
  readonly server: number
  readonly ports: number
  /** Where the transport header is, but for what only belongs to a flow: a later fragment, or an error. */
  readonly at: number
  readonly isPeek: boolean
  /** Of an error: where the IP header is that it quotes. */
  readonly quoted?: number | undefined
}

/** Refused: `clash`: the flow's place is another's; `taken` the same of a flow that could go elsewhere. `hairpin`: no answer would come back. */
export type Refused = 'no-room' | 'clash' | 'taken' | 'hairpin'

/** Answered: the frame that goes to the client, by our own interface or another. */
export interface Answered {
  readonly frame: Uint8Array
  readonly isOwn: boolean
}

/** NatModel: translation both ways. */
export interface NatModel {
  readonly table: AnswerTable
  /** request: what becomes of the packet's addresses, or why it cannot go there. It changes `frame`. */
  request(request: Request): Refused | undefined
  /** follow: the same of a packet that only belongs to a flow: a later fragment, or an error that quotes an answer. */
  follow(packet: Following): undefined
  /** answer: the frame that goes to the client; `ttl`; undefined where it is no answer that is known. */
  answer(packet: Answering): Answered | 'ttl' | undefined
  /** mayAnswer: whether the source of the packet at `ip` may be a server's address. */
  mayAnswer(frame: Uint8Array, ip: number, isIpv6: boolean): boolean
}

/** createNat for a shape with flows and nat. */
export function createNat(shape: Shape, tables: Tables, memory: FlowMemory): NatModel {
  const flows = shape.flows!
  const limits = limitsOf(flows)
  const table = new AnswerTable(bucketsOf(flows))
  const others = flowKeys(tables.keys)
  const keyOf = createAnswerKey(others)
  const { events } = memory
  const now = () => tickOf(memory.jiffies, flows.clock.shift)
  const { serverCapacity } = memoryOf(shape)
  const sources = new Set(
    tables.servers.flatMap(({ address }) =>
      address === undefined ? [] : [sourceBit(others, wordsOfAddress(address), serverCapacity)],
    ),
  )

  function request({ frame, ip, at, isIpv6, kind, service, server }: Request): Refused | undefined {
    const width = isIpv6 ? 16 : 4
    const [from, to] = isIpv6 ? [ip + 8, ip + 24] : [ip + 12, ip + 16]
    const address = targetOf(server, isIpv6)
    if ((kind === 'syn' || kind === 'udp') && isNear(server, address, frame.subarray(from, from + width)))
      return 'hairpin'
    const asked = le16(frame, at + 2)
    const port = swap16(shape.services[service]?.nat?.port ?? 0) || asked
    const protocol = kind === 'udp' ? 'udp' : 'tcp'
    const key = keyOf({
      protocol,
      server: wordsAt(address, 0, width),
      client: wordsAt(frame, from, width),
      ports: (port | (le16(frame, at) << 16)) >>> 0,
    })
    const origin: Origin = { address: [...wordsAt(frame, to, width), 0, 0, 0].slice(0, 4), port: asked }
    const refused = keep(key, origin, { frame, kind, service, server })
    if (refused === undefined)
      translate(frame, ip, at, protocol, 'destination', { address, port: portBytes(port) })
    return refused
  }

  /** keep the flow's record, and make it where there is none. */
  function keep(
    key: bigint,
    origin: Origin,
    { frame, kind, service, server }: Pick<Request, 'frame' | 'kind' | 'service' | 'server'>,
  ): Refused | undefined {
    const mac = BigInt(le32(frame, 6)) | (BigInt(le16(frame, 10)) << 32n)
    const hop = mac | (BigInt(shape.own) << BigInt(HOP_VIA))
    const opens = kind === 'syn' || kind === 'udp'
    const fresh = kind === 'syn' ? FLOW.syn : FLOW.established
    const found = table.find(key)
    const write = (entry: number) =>
      table.write(entry, key, { ...origin, server, service, time: now(), state: fresh, hop })
    if (found !== undefined) {
      const { state, time, address, port, ...is } = table.at(found)
      const isOwn =
        table.isWhole(found, key) &&
        port === origin.port &&
        address.every((word, i) => word === origin.address[i])
      if (isOwn && is.server === server && is.service === service) {
        const closes = kind === 'end' || (state === FLOW.closed && kind === 'segment')
        table.touch(found, closes ? FLOW.closed : fresh, now())
        table.setHop(found, hop)
        return undefined
      }
      const limit = state === FLOW.syn ? limits.syn : limits.established
      const isLive = table.isWhole(found, key) && state !== FLOW.closed && !isOlder(now(), time, limit)
      if (!isOwn && isLive) return opens ? 'taken' : 'clash'
      if (kind === 'end') return undefined
      write(found)
      events['answer-insert']++
      return undefined
    }
    if (kind === 'end') return undefined
    const entry = table.candidate(key, now())
    const { state, time } = table.at(entry)
    if (state === FLOW.established && !isOlder(now(), time, limits.established)) {
      if (kind === 'syn') return 'no-room'
      events['answer-evicted']++
    }
    write(entry)
    events['answer-insert']++
    return undefined
  }

  function answer(packet: Answering): Answered | 'ttl' | undefined {
    const { frame, ip, isIpv6, protocol, server, ports, at, isPeek, quoted } = packet
    const width = isIpv6 ? 16 : 4
    const source = isIpv6 ? ip + 8 : ip + 12
    const flow: AnswerKey = {
      protocol,
      server: wordsAt(frame, server, width),
      client: wordsAt(frame, source + width, width),
      ports,
    }
    const key = keyOf(flow)
    const entry = table.find(key)
    if (entry === undefined || !table.isWhole(entry, key)) return undefined
    const { address, port, state, hop } = table.at(entry)
    const via = Number(hop >> BigInt(HOP_VIA))
    const isOwn = shape.others.length === 0 || via === shape.own
    const from = isOwn ? shape.mac : shape.others.find(({ number }) => number === via)?.mac
    if (from === undefined) return undefined
    if (frame[isIpv6 ? ip + 7 : ip + 8]! <= 1) return 'ttl'
    const sent = new Uint8Array(frame)
    const by: Replacement = { address: bytesOfWords(address, width), port: portBytes(port) }
    if (quoted !== undefined) {
      // a router that tells an error is not the server
      const isServers = flow.server.every((word, i) => word === le32(frame, source + 4 * i))
      translateQuote(sent, {
        ...{ ip, quoted, isIpv6, side: 'destination', ...by },
        ...(isServers && { outer: 'source' }),
      })
    } else if (isPeek) translateFragment(sent, ip, 'source', by.address)
    else {
      const ends = protocol === 'tcp' && (frame[at + 13]! & (tcpFlag.FIN | tcpFlag.RST)) !== 0
      table.touch(entry, ends ? FLOW.closed : state, now())
      translate(sent, ip, at, protocol, 'source', by)
    }
    decrementHops(sent, ip, isIpv6)
    for (let i = 0; i < 6; i++) sent[i] = Number((hop >> BigInt(8 * i)) & 0xffn)
    sent.set(macBytes(from), 6)
    return { frame: sent, isOwn }
  }

  function mayAnswer(frame: Uint8Array, ip: number, isIpv6: boolean): boolean {
    const words = wordsAt(frame, isIpv6 ? ip + 8 : ip + 12, isIpv6 ? 16 : 4)
    return sources.has(sourceBit(others, words, serverCapacity))
  }

  function follow({ frame, ip, isIpv6, service, server, quoted }: Following): undefined {
    const address = targetOf(server, isIpv6)
    if (quoted === undefined) return translateFragment(frame, ip, 'destination', address)
    const said = shape.services[service]?.nat?.port ?? 0
    const port = said === 0 ? undefined : Uint8Array.of(said >> 8, said & 0xff)
    return translateQuote(frame, { ip, quoted, isIpv6, outer: 'destination', side: 'source', address, port })
  }

  /** isNear: whether a client is on the network of a server with this address. */
  function isNear(server: number, address: Uint8Array, client: Uint8Array): boolean {
    const inCommon = tables.servers[server]?.network ?? 128
    const bits = (octets: Uint8Array) =>
      [...octets].map((octet) => octet.toString(2).padStart(8, '0')).join('')
    return bits(address).slice(0, inCommon) === bits(client).slice(0, inCommon)
  }

  function targetOf(server: number, isIpv6: boolean): Uint8Array {
    const target = tables.servers[server]?.address
    const address = new Uint8Array(isIpv6 ? 16 : 4)
    if (target !== undefined) address.set(ipBytes(target).subarray(0, address.length))
    return address
  }

  return { table, request, follow, answer, mayAnswer }
}
