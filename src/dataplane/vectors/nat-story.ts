// A story of nat: packets of clients and answers of servers, one after the other; after each, what became of it, which
// events were counted, and what is kept for answers. Frames that leave are assembled anew, checksums and all; nothing is
// asked of the model. The same stories are told to the model and to the kernel.

import { type Ip6, isIp4, type Mac, parseIp, parseMac } from '../../base/addresses.ts'
import { ip6Bytes } from '../../wire/ipv6.ts'
import { ANSWER_WORDS as AT, HOP_VIA } from '../answer-record.ts'
import { FLOW } from '../flow-record.ts'
import type { Outcome } from '../model.ts'
import type { EventName, OutcomeName } from '../outcomes.ts'
import { client, client6, own, router, vip, vip6, web1, web2, web4 } from './fixture.ts'
import { type NatFixtureName, targets, targets6 } from './nat-fixtures.ts'
import { resetOf } from './reset-of.ts'
import { type Change, eventText, START } from './story.ts'
import { apply, type FlowPath } from './tell.ts'
import { frameOf, keeps, type Parts } from './vector.ts'

/** NatStep: a change, and a packet. */
export interface NatStep extends Change {
  /** From a client. */
  readonly send?: Parts
  /** Instead of parts: what arrives, and what leaves, if it does. */
  readonly frames?: readonly [arrives: Uint8Array, leaves?: Uint8Array]
  /** From server `from`: what is absent is that of an answer from its port 80 (53) to the client's 40000. */
  readonly answer?: Parts
  readonly from?: 1 | 2 | 4
  /** The server that gets it (at its port, or the one that was sent to), that the client gets it, or how it ends. */
  readonly to:
    | 1
    | 2
    | 4
    | 'client'
    | Exclude<OutcomeName, 'forwarded' | 'redirected' | 'answered' | 'answer-redirected' | 'time-exceeded'>
  /** The MAC of the interface that it leaves by, if that is another. */
  readonly by?: Mac
  /** Before it: all records' hops are of the interface of this number, as its program would have written them. */
  readonly through?: number
  readonly port?: number
  /** By dsr: addresses and ports stay. */
  readonly untranslated?: true
  /** What the client sees as the source, and where the frame goes. */
  readonly as?: { readonly address?: string; readonly port?: number; readonly via?: string }
  readonly service?: number
  /** Fields that leave otherwise than is computed. */
  readonly leaves?: Parts
  /** Events that are counted, without "flow-". */
  readonly events?: string
  /**
   * All records among the answers: 'STATE SERVER', then as far as they differ from now, the vip's listener that was sent
   * to and the router: ' @TICKS', ' for ADDRESS:PORT', ' via MAC'. Absent: it does not matter.
   */
  readonly kept?: readonly string[]
}

/** NatStory: names are unique among stories. */
export interface NatStory {
  readonly name: string
  readonly fixture: NatFixtureName
  readonly steps: readonly NatStep[]
}

/** NatTold: what a step came to. */
export interface NatTold {
  readonly outcome: Outcome
  readonly events: string
  readonly kept?: readonly string[]
}

const macs = { 1: web1, 2: web2, 4: web4 } as const
const addressOf = (server: 1 | 2 | 4, isIpv6: boolean): string => (isIpv6 ? targets6 : targets)[server - 1]!
const ports = (parts: Parts, key: 'source' | 'destination', port: number | undefined): Parts =>
  port === undefined
    ? parts
    : parts.udp
      ? { ...parts, udp: { ...parts.udp, [key]: port } }
      : { ...parts, tcp: { ...parts.tcp, [key]: port } }

/** answerParts: a server's answer as it arrives. */
function answerParts({ answer = {}, from = 1 }: NatStep): Parts {
  const number = answer.udp ? 53 : 80
  const whole: Parts = answer.udp
    ? { ...answer, udp: { source: number, destination: 40_000, ...answer.udp } }
    : { ...answer, tcp: { source: number, destination: 40_000, flags: 0x10, ...answer.tcp } }
  return {
    ...whole,
    ether: { source: macs[from], ...answer.ether },
    ...(answer.ip6
      ? { ip6: { source: addressOf(from, true), destination: client6, ...answer.ip6 } }
      : { ip: { source: addressOf(from, false), destination: client, ...answer.ip } }),
  }
}

/** sentBy a step: the frame that arrives. */
export const sentBy = (step: NatStep): Uint8Array =>
  step.frames?.[0] ?? frameOf(step.answer ? answerParts(step) : (step.send ?? {}))

function lessHops(parts: Parts): Parts {
  const { ip, ip6 } = parts
  return ip6
    ? { ...parts, ip6: { ...ip6, hopLimit: (ip6.hopLimit ?? 64) - 1 } }
    : { ...parts, ip: { ...ip, ttl: (ip?.ttl ?? 64) - 1 } }
}

const merged = (parts: Parts, { ip, ip6, tcp, udp }: Parts = {}): Parts => ({
  ...parts,
  ...(ip && { ip: { ...parts.ip, ...ip } }),
  ...(ip6 && { ip6: { ...parts.ip6, ...ip6 } }),
  ...(tcp && { tcp: { ...parts.tcp, ...tcp } }),
  ...(udp && { udp: { ...parts.udp, ...udp } }),
})

function outcomeOf(step: NatStep): Outcome {
  const { to, port, service = 0, as = {}, leaves } = step
  const frame = sentBy(step)
  const leaving = step.frames?.[1]
  if (to === 'client') {
    const outcome = step.by === undefined ? 'answered' : 'answer-redirected'
    if (leaving) return { outcome, frame: leaving }
    const parts = answerParts(step)
    const { address = parts.ip6 ? vip6 : vip, port: shown = parts.udp ? 53 : 80, via = router } = as
    const shownParts = ports(
      {
        ...parts,
        ether: { ...parts.ether, destination: parseMac(via), source: step.by ?? own },
        ...(parts.ip6
          ? { ip6: { ...parts.ip6, source: address } }
          : { ip: { ...parts.ip, source: address } }),
      },
      'source',
      shown,
    )
    return { outcome, frame: frameOf(merged(lessHops(shownParts), leaves)) }
  }
  const parts = step.send ?? {}
  if (to === 'reset') return { outcome: 'reset', frame: resetOf(parts) }
  if (typeof to !== 'number') return keeps(to, '', frame).expected
  if (leaving) {
    const bytes = frame.length - 14
    return { outcome: 'forwarded', frame: leaving, service, server: to, bytes }
  }
  const { ip, ip6 } = parts
  const translated: Parts = step.untranslated
    ? parts
    : ip6
      ? { ...parts, ip6: { ...ip6, destination: addressOf(to, true) } }
      : { ...parts, ip: { ...ip, destination: addressOf(to, false) } }
  const sent = lessHops({
    ...ports(translated, 'destination', port),
    ether: { ...parts.ether, destination: macs[to], source: step.by ?? own },
  })
  const start = 14 + 4 * (parts.ether?.tags?.length ?? 0)
  const bytes = frame.length - start - (parts.trailer?.length ?? 0)
  const outcome = step.by === undefined ? 'forwarded' : 'redirected'
  return { outcome, frame: frameOf(merged(sent, leaves)), service, server: to, bytes }
}

/** expectedOf a story. */
export function expectedOf({ steps }: NatStory): NatTold[] {
  let now = START
  return steps.map((step) => {
    now = step.at ?? now
    return {
      outcome: outcomeOf(step),
      events: (step.events ?? '').split(' ').filter(Boolean).sort().join(' '),
      ...(step.kept && {
        kept: step.kept
          .map((text) => (text.includes('@') ? text : text.replace(/^(\w+ \d+)/, `$1 @${now}`)))
          .sort(),
      }),
    }
  })
}

/** tell a story from its beginning, for the model or the kernel's packet path. */
export function tellNat(path: FlowPath, { steps }: NatStory, word = 1): NatTold[] {
  path.flows.fill(0)
  path.answers!.fill(0)
  path.schedules?.loads.fill(0)
  for (const [service, table] of path.fixture.tables.schedules ?? []) path.schedules!.fill(service, table)
  const words = path.fixture.tables.slots.map((slots) => slots[0] ?? word)
  apply(path, { at: START, failed: [], lost: [], word: words, awaits: false })
  path.forgetNewFlows()
  path.forgetFragments()
  path.events()
  return steps.map((step) => {
    apply(path, step)
    if (step.through !== undefined) setHops(path.answers!, step.through)
    const outcome = path.run(sentBy(step))
    const events = eventText(path.events() as Readonly<Record<EventName, number>>)
    return { outcome, events, ...(step.kept && { kept: keptIn(path.answers!) }) }
  })
}

/** setHops of all records to an interface. */
function setHops(words: Uint32Array, number: number): void {
  for (let at = AT.hop + 1; at < words.length; at += AT.count)
    words[at] = ((words[at]! & 0xffff) | (number << (HOP_VIA - 32))) >>> 0
}

/** keptIn a table of answers: all its records, as text. */
function keptIn(words: Uint32Array): string[] {
  const found: string[] = []
  for (let at = 0; at < words.length; at += AT.count) {
    const changing = words[at + AT.changing]!
    const state = Object.keys(FLOW).find((name) => FLOW[name as keyof typeof FLOW] === changing >>> 30)
    if (state === undefined || state === 'empty') continue
    const bytes = new Uint8Array(words.slice(at + AT.address, at + AT.count).buffer)
    const port = bytes[16]! * 0x100 + bytes[17]!
    const mac = [...bytes.subarray(24, 30)].map((octet) => octet.toString(16).padStart(2, '0')).join(':')
    const address = addressText(bytes.subarray(0, 16))
    const isUsual = (address === vip || address === vip6) && (port === 80 || port === 53)
    found.push(
      `${state} ${words[at + AT.stable]! & 0x7fff} @${changing & 0x3fff_ffff}` +
        (isUsual ? '' : ` for ${address}:${port}`) +
        (mac === router ? '' : ` via ${mac}`),
    )
  }
  return found.sort()
}

/** An address by its 16 bytes: one of those that fixtures have. */
function addressText(bytes: Uint8Array): string {
  for (const text of [vip, '192.0.2.11', vip6]) {
    const ip = parseIp(text)
    const octets = new Uint8Array(16)
    octets.set(isIp4(ip) ? ip6Bytes(BigInt(ip) as Ip6).subarray(12) : ip6Bytes(ip))
    if (Buffer.compare(octets, bytes) === 0) return text
  }
  return Buffer.from(bytes).toString('hex')
}
