// The packet path in plain TypeScript: docs/packet-path.md, step by step, on one frame at a time. It is the oracle
// that the generated program is compared with, so it shares nothing with it but Shape, Tables, the hash and the layout
// of records. It is written to be read beside that page. Left out: which CPU counts.

import { type Ip, isIp4, macBytes, type Protocol } from '../base/addresses.ts'
import { invariant } from '../base/errors.ts'
import { hashWords, mixWords, scaleHash, splitMultipliers } from '../schedule/hash.ts'
import { updateChecksum } from '../wire/checksum.ts'
import { ipBytes } from '../wire/ipv6.ts'
import { tcpFlag } from '../wire/tcp.ts'
import { CLASH_STEP, CLASH_TRIES } from './answer-record.ts'
import { answerPortsOf } from './awaiting.ts'
import { secondShift } from './flow-clock.ts'
import { type Asked, createDecide, type Decide, type FlowKind, FlowMemory } from './flow-decision.ts'
import { FLOW_KEY, flowKeys } from './flow-keys.ts'
import { resetFrame } from './flow-reset.ts'
import { FlowSchedules } from './flow-schedule.ts'
import { awaitsAnswers, flowsOf, memoryOf, timeOf, usesNat } from './memory.ts'
import { createAccept } from './model-accept.ts'
import { AdmitMemory, createAdmit } from './model-admit.ts'
import { exceeded } from './model-exceeded.ts'
import {
  be16,
  type Flow,
  flowOf4,
  flowOf6,
  HEADER,
  le32,
  type Protocols,
  type Unreadable,
} from './model-flow.ts'
import { createListeners } from './model-listeners.ts'
import { PacketMemory } from './model-memory.ts'
import { createNetworkOf } from './model-network.ts'
import { createTurn } from './model-turn.ts'
import { createNat, type NatModel, type Refused } from './nat-model.ts'
import type { OutcomeName } from './outcomes.ts'
import {
  currentOf,
  HASH_KEYS,
  KEY_MIX,
  type Shape,
  SLOT_RECORDS,
  STATELESS,
  slotWord,
  type Tables,
} from './shape.ts'
import type { VirtualMac } from './virtual-mac.ts'

/** Outcome: what becomes of a frame. */
export interface Outcome {
  readonly outcome: OutcomeName
  /** The frame afterwards: a new one if it was forwarded or answered, else the very one that came in. */
  readonly frame: Uint8Array
  /** What was counted beside the outcome, if it was forwarded: a service's index, a server's id, IP bytes. */
  readonly service?: number
  readonly server?: number
  readonly bytes?: number
}

/** Model: the packet path of one shape and its tables. */
export interface Model {
  (frame: Uint8Array): Outcome
  /** Where some service has nat. */
  readonly nat: NatModel | undefined
}

const ETH_P_IP = 0x0800
const ETH_P_IPV6 = 0x86dd
const ETH_P_8021Q = 0x8100
const ETH_P_8021AD = 0x88a8
const IPPROTO: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17 }
const EXCEEDED_PER_SECOND = 100
const HELD_PER_SECOND = 500
const HELD_BYTES = { usual: 2_040, jumbo: 10_232 }

const isTag = (type: number): boolean => type === ETH_P_8021Q || type === ETH_P_8021AD

/** A server's address in 16 bytes, of IPv4 the first four. */
function targetBytes(address: Ip | undefined): Uint8Array {
  const bytes = new Uint8Array(16)
  if (address !== undefined) bytes.set(ipBytes(address))
  return bytes
}

/** OTHER_MIX: where among the multipliers of B the one is that mixes. */
const OTHER_MIX = 10

/** wordOf two ports: as they lie in a packet. */
const wordOf = (ports: readonly [number, number]): number =>
  le32(Uint8Array.from(ports.flatMap((port) => [port >> 8, port & 0xff])), 0)

/** kindOf a segment by its flags. */
function kindOf(flags: number): FlowKind {
  if (flags & (tcpFlag.FIN | tcpFlag.RST)) return 'end'
  return (flags & (tcpFlag.SYN | tcpFlag.ACK)) === tcpFlag.SYN ? 'syn' : 'segment'
}

/** createFlows: the memory that a shape's flows need; undefined where none is tracked. */
export function createFlows(shape: Shape): FlowMemory | undefined {
  const flows = flowsOf(shape)
  const { scheduling } = memoryOf(shape)
  return flows && new FlowMemory(flows, scheduling && new FlowSchedules(shape, scheduling))
}

/** ModelMemory: what is kept from packet to packet, and the time. */
export interface ModelMemory {
  readonly packets?: PacketMemory
  readonly flows?: FlowMemory | undefined
  readonly admit?: AdmitMemory
}

/**
 * createModel prepares look-ups once. Slots, servers, failed servers and what is in memory may change afterwards, as
 * the program sees them change; listeners and keys are those of now.
 */
export function createModel(
  shape: Shape,
  tables: Tables,
  {
    packets: memory = new PacketMemory(),
    flows = createFlows(shape),
    admit: admitted = new AdmitMemory(shape),
  }: ModelMemory = {},
): Model {
  invariant(tables.keys.length === HASH_KEYS, `${tables.keys.length} hash keys`)
  invariant(
    shape.pools.every((slots, pool) => tables.slots[pool]?.length === slots),
    'every pool has its slots',
  )
  const own = macBytes(shape.mac)
  const isActive = ({ active }: VirtualMac) =>
    tables.active?.some((other) => other.active === active) === true
  const virtual = (shape.virtual ?? []).map((each) => ({ ...each, octets: macBytes(each.mac) }))
  const isTo = (frame: Uint8Array, octets: Uint8Array) => octets.every((octet, i) => frame[i] === octet)
  const shift = secondShift(timeOf(shape))
  const pick = (keys: BigUint64Array, ...which: number[]) =>
    splitMultipliers(BigUint64Array.from(which, (i) => keys[i]!))
  const multipliers = pick(tables.keys, 0, 1, 2, 6, 7, 8, KEY_MIX)
  const byNumber = new Map(shape.listeners.map(({ protocol }) => [IPPROTO[protocol], protocol]))
  const clock = timeOf(shape)
  const tick = () => Math.floor(memory.jiffies / 2 ** clock.shift) & 0xff
  const fragments4 = pick(tables.keys, 0, 1, 2, 4)
  const fragments6 = pick(tables.keys, 0, 1, 6, 7, 8, 2, 10, 11, 12, 13)
  const protocols: Protocols = {
    get: (number) => byNumber.get(number),
    recall: (hash) => memory.recall(hash, tick()),
    hash: (words) => hashWords(words.length === 3 ? fragments4 : fragments6, 0, words),
    hasIpv4: shape.listeners.some(({ address }) => isIp4(address)),
  }
  const hasIpv6 = shape.listeners.some(({ address }) => !isIp4(address))
  const refusesIpv6 = shape.unaccepted?.some((address) => !isIp4(address)) === true
  const listening = createListeners(shape)
  const turn = createTurn(shape, (number) => byNumber.has(number), listening)
  const isRefused = createAccept(shape)
  const room = shape.jumbo ? HELD_BYTES.jumbo : HELD_BYTES.usual
  /** F4: what becomes of a later fragment whose first has not come. */
  const hold = (frame: Uint8Array): OutcomeName => {
    if (own.every((octet, i) => frame[6 + i] === octet)) return 'fragment-lost'
    if (!memory.atMost(memory.held, HELD_PER_SECOND, shift) || frame.length > room) return 'fragment'
    return 'fragment-held'
  }
  const decide = flows && createDecide(shape, tables, flows, memoryOf(shape))
  flows?.schedules?.fill(tables)
  const nat = flows && usesNat(shape) ? createNat(shape, tables, flows) : undefined
  const answersFrom = awaitsAnswers(shape) ? answerPortsOf(shape) : []
  const others = flowKeys(tables.keys)
  const otherTcp = pick(others, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, FLOW_KEY.mix)
  const otherUdp = pick(others, FLOW_KEY.udp, 1, 2, 3, 4, 5, 6, 7, 8, 9, FLOW_KEY.mix)
  const networkOf = createNetworkOf(shape, tables.keys)
  const admit = createAdmit(shape, tables, admitted, () => memory.jiffies)

  const model = (frame: Uint8Array): Outcome => {
    const end = (outcome: OutcomeName): Outcome => ({ outcome, frame })
    const length = frame.length

    // 1
    if (length < 34) return end('short')

    // 2, 3: where the IP header is, behind up to two tags
    let type = be16(frame, 12)
    let ip = 14
    if (isTag(type)) {
      type = be16(frame, 16)
      ip = 18
      if (isTag(type)) {
        type = be16(frame, 20)
        ip = 22
      }
    }

    // 4
    if (length < ip + 20) return end('short')
    const isIpv6 = type === ETH_P_IPV6 && hasIpv6
    const isOurs = isTo(frame, own) || virtual.some((each) => isTo(frame, each.octets) && isActive(each))
    if (type === ETH_P_IPV6 && !hasIpv6 && refusesIpv6) {
      // A: step 5 is taken before it
      if (!isOurs) return end('other-host')
      return end(length >= ip + 40 && isRefused(frame, ip, true) ? 'not-accepted' : 'not-ip')
    }
    if (type !== ETH_P_IP && !isIpv6) return end('not-ip')
    if (isIpv6 && length < ip + 40) return end('short')

    // 5
    if (!isOurs) return end('other-host')
    // A: what is passed from here on is not, where its destination does not accept it
    const passed = (outcome: OutcomeName) => end(isRefused(frame, ip, isIpv6) ? 'not-accepted' : outcome)

    // C: what is for no listener may be an answer to a check; N4 to N6: or to a client, or a fragment of such
    const unserved = (flow: Flow | Unreadable): Outcome => {
      const turned = turn({ frame, ip, isIpv6 })
      if (turned) return { outcome: 'turned', frame: turned }
      if (!nat || (!isIpv6 && !protocols.hasIpv4)) return passed('no-listener')
      const isServer = () => nat.mayAnswer(frame, ip, isIpv6)
      if (typeof flow === 'string')
        return flow === 'later' && isServer() && hold(frame) === 'fragment-held'
          ? end('fragment-copied')
          : passed('no-listener')
      if (flow.first !== undefined && isServer()) memory.remember(flow.first, wordOf(flow.ports), tick())
      const { protocol, client, ports, isPeek = false, quoted } = flow
      const at = flow.end - HEADER[protocol]
      const answer = nat.answer({
        frame,
        ip,
        isIpv6,
        protocol,
        server: client,
        ports: wordOf(ports),
        isPeek,
        at,
        quoted,
      })
      if (answer === undefined) return isEarly(flow) ? end('untold') : passed('no-listener')
      if (answer === 'ttl') return end('ttl')
      return { outcome: answer.isOwn ? 'answered' : 'answer-redirected', frame: answer.frame }
    }

    // N7: what a server answers before its flow is known here
    const isEarly = ({ isPeek, ports: [port] }: Flow): boolean =>
      isPeek !== true &&
      answersFrom.some((each) => each.port <= port && port <= each.lastPort) &&
      nat?.mayAnswer(frame, ip, isIpv6) === true &&
      memory.forwards(isIpv6 ? frame.subarray(ip + 24, ip + 40) : frame.subarray(ip + 16, ip + 20)) &&
      flows?.awaiting.awaits(flows.jiffies) === true

    // 6 to 9
    const here = listening(frame, ip + (isIpv6 ? 24 : 16), isIpv6 ? 16 : 4)
    const flow = (isIpv6 ? flowOf6 : flowOf4)(frame, ip, protocols)
    if (flow === 'malformed') return end(flow)
    if (flow === 'other-protocol') return passed(flow)
    if (typeof flow === 'string') {
      if (!here) return unserved(flow)
      return end(flow === 'later' ? hold(frame) : flow)
    }
    const { client, protocol } = flow

    // 11
    const listener = here?.(protocol, flow.ports[1])
    if (listener === undefined) return unserved(flow)

    // 12: IPv4's total length, or what it would be
    const bytes = isIpv6 ? be16(frame, ip + 4) + 40 : be16(frame, ip + 2)
    if (bytes < flow.end - ip || bytes > length - ip) return end('bad-length')

    // 13
    const hops = isIpv6 ? ip + 7 : ip + 8
    if (frame[hops]! <= 1) {
      const isTold = !flow.isSilent && memory.atMost(memory.exceeded, EXCEEDED_PER_SECOND, shift)
      const answer = isTold ? exceeded(frame, ip, isIpv6, own) : undefined
      return answer ? { outcome: 'time-exceeded', frame: answer } : end('ttl')
    }

    const portsWord = wordOf(flow.ports)
    // D
    const transport = flow.isPeek ? undefined : { protocol, at: flow.end - HEADER[protocol] }
    const refused = admit?.({
      frame,
      ip,
      isIpv6,
      client,
      service: listener.service,
      transport,
      flags: flow.flags,
    })
    if (refused) return typeof refused === 'string' ? end(refused) : { outcome: 'challenged', frame: refused }
    if (flow.first !== undefined) memory.remember(flow.first, portsWord, tick())

    // 14
    const { service, pool } = listener
    const { track, hash: hashed, nat: translates } = shape.services[service] ?? STATELESS
    const words = isIpv6 ? [0, 4, 8, 12] : [0]
    const [first, ...rest] = words.map((word) => le32(frame, client + word)) as [number, ...number[]]
    const hash = mixWords(multipliers, 0, [first, hashed === 'source' ? 0 : portsWord, ...rest], 6)
    const slot = scaleHash(hash, shape.pools[pool]!)
    const word = tables.slots[pool]![slot]!
    const kind = protocol === 'udp' ? 'udp' : kindOf(flow.flags ?? 0)
    let id: ReturnType<Decide> = currentOf(word)
    let asked: Asked | undefined
    if (decide && (track === 'all' || (track === 'changes' && (word & SLOT_RECORDS) !== 0))) {
      const destination = isIpv6 ? ip + 24 : ip + 16
      const [to, ...toRest] = words.map((word) => le32(frame, destination + word)) as [number, ...number[]]
      const peek = flow.isPeek === true
      const other = mixWords(
        kind === 'udp' ? otherUdp : otherTcp,
        0,
        [first, portsWord, to, ...rest, ...toRest],
        OTHER_MIX,
      )
      const network = networkOf(service, [first, ...rest])
      const recorded = translates !== undefined
      asked = { hash, other, kind, service, pool, word, peek, recorded, ...(network && { network }) }
      id = decide(asked)
    }
    if (id === 'untold') return end(id)
    if (id === 'reset') {
      const answer = flow.isPeek ? undefined : resetFrame(frame, own)
      return answer ? { outcome: 'reset', frame: answer } : end('no-server')
    }

    // N1 to N3: to the server's address; a new flow whose place is taken tries other servers
    const sent = new Uint8Array(frame)
    if (nat && decide && asked && translates) {
      const at = flow.end - HEADER[protocol]
      const sentTo = (server: number): Refused | 'no-server' | undefined => {
        if (!tables.servers[server]?.usable) return 'no-server'
        const packet = { frame: sent, ip, isIpv6, service, server }
        if (flow.isPeek) return nat.follow({ ...packet, quoted: flow.quoted })
        return nat.request({ ...packet, at, kind })
      }
      if (typeof id !== 'number') return end('no-room')
      let refused = sentTo(id)
      for (let tries = 0; refused === 'taken' && tries < CLASH_TRIES; tries++) {
        const next = scaleHash(Math.imul(hash + tries, CLASH_STEP) >>> 0, shape.pools[pool]!)
        const other = currentOf(tables.slots[pool]![next]!)
        refused = sentTo(other)
        if (refused === 'no-server' || refused === 'hairpin') refused = 'taken'
        if (refused !== undefined) continue
        decide({ ...asked, word: slotWord(other, other), moves: true })
        id = other
      }
      if (refused) return end(refused === 'taken' ? 'clash' : refused)
    }
    if (typeof id !== 'number') return end('no-room')
    const server = tables.servers[id]
    if (!server?.usable) return end('no-server')

    // 15: by which interface
    const isOwn = shape.others.length === 0 || server.via === shape.own
    const other = shape.others.find(({ number }) => number === server.via)
    if (!isOwn && !other) return end('no-server')
    const mac = macBytes(server.mac)
    const from = isIpv6 ? frame.subarray(22, 38) : frame.subarray(26, 30)
    const target = targetBytes(server.address)
    const isItself =
      mac.every((octet, i) => frame[6 + i] === octet) && from.every((octet, i) => octet === target[i])
    if (isOwn && isItself && ip === 14) return end('hairpin')
    sent.set(mac, 0)
    sent.set(isOwn ? own : macBytes(other!.mac), 6)
    sent[hops]! -= 1
    if (!isIpv6) {
      const checksum = updateChecksum(be16(sent, ip + 10), be16(frame, ip + 8), be16(sent, ip + 8))
      sent[ip + 10] = checksum >> 8
      sent[ip + 11] = checksum & 0xff
    }
    return { outcome: isOwn ? 'forwarded' : 'redirected', frame: sent, service, server: id, bytes }
  }
  return Object.assign(model, { nat })
}
