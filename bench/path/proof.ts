// What proof of source costs, a packet: the cookie made, the cookie looked for in a RST that has none (of both epochs, which is
// the dearest), the whole answer to a SYN, and the whole way of a spoofed SYN through the packet path.

import { type Ip4, parseMac } from '../../src/base/addresses.ts'
import { part } from '../../src/bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../../src/bpf/xdp.ts'
import { NO_DEFENCE_TABLES } from '../../src/dataplane/defence-shape.ts'
import type { Memory } from '../../src/dataplane/memory.ts'
import { packetPath } from '../../src/dataplane/packet-path.ts'
import { cookieFunction } from '../../src/dataplane/path-opening.ts'
import { proofOf } from '../../src/dataplane/path-proof.ts'
import { whereIs } from '../../src/dataplane/path-where.ts'
import type { Shape, Tables } from '../../src/dataplane/shape.ts'
import { ether, ipv4, packet, tcp } from '../../src/wire/packet.ts'
import { tcpFlag } from '../../src/wire/tcp.ts'
import type { Row } from '../runner/row.ts'
import { type Effort, fixture } from './cost.ts'
import { Frame, type FreshSubject, freshRows, SOURCE } from './fresh.ts'

/** Where in a frame are IP header and TCP header. */
const [ETHERNET, TRANSPORT] = [14, 34]

/** proofRows: the functions' own cost in ns, and that of a spoofed SYN from the wire to the answer. */
export function proofRows(effort: Effort): Row[] {
  const plain = fixture(1, 1)
  const shape: Shape = {
    ...plain.shape,
    defence: { rules: [], lists: { entries: 8 }, proof: { sources: 2 ** 16 }, ceilings: false },
  }
  const tables: Tables = {
    ...plain.tables,
    defence: {
      ...NO_DEFENCE_TABLES,
      services: [{ ceiling: 0, proof: 'on' }],
      proof: { above: 10_000, below: 5_000, holdS: 30, rememberS: 3_600 },
    },
  }
  return freshRows(shape, tables, subjectsOf, effort)
}

/** frameOf a client: a bare segment. */
const frameOf = ({ mac, listeners }: Shape, flags: number): Uint8Array =>
  packet(
    ether({ destination: mac, source: parseMac('02:00:00:00:00:fe') }),
    ipv4({ source: '198.51.100.7', destination: listeners[0]!.address as Ip4 }),
    tcp({ source: 40_000, destination: listeners[0]!.port, flags, sequence: 1 }),
  )

/** subjectsOf: the whole path, and its functions by themselves: an odd number is an answer, or XDP_TX. */
function subjectsOf(shape: Shape, memory: Memory): readonly FreshSubject[] {
  const proof = proofOf(shape, memory)
  const where = whereIs(ETHERNET, TRANSPORT)
  const ask = (called: BuiltFunction, ...service: readonly number[]) =>
    plainFunction('ask', (p) => {
      const numbers = service.map((number) => p.constant(number))
      p.exitValue(p.callSub(called, p.ctx, p.widen(p.constant(where)), ...numbers))
    })
  const cookie = cookieFunction(shape, memory.defence!)
  const made = plainFunction('make', (p) => {
    const { data, end } = p.packet()
    const { f } = p.headers(data, end, { f: Frame }, () => p.exitValue(0))
    const none = p.const64(0n)
    const addresses = p.load(part(f.bytes, SOURCE, 'u64'))
    const last = p.alu('or', p.widen(p.load(part(f.bytes, TRANSPORT, 'u32'))), p.const64(15n << 56n))
    p.exitValue(p.alu('or', p.callSub(cookie, addresses, none, none, none, last), 1))
  })
  const [syn, rst] = [frameOf(shape, tcpFlag.SYN), frameOf(shape, tcpFlag.RST)]
  return [
    { name: 'proof-drop', subject: packetPath(shape, memory), frame: syn, answer: 'odd' },
    { name: 'cookie-make', subject: made, frame: syn, answer: 'odd' },
    { name: 'cookie-check', subject: ask(proof.take, 0), frame: rst, answer: 'even' },
    { name: 'syn-ack', subject: ask(proof.challenge), frame: syn, answer: 'odd' },
  ]
}
