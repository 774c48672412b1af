// A program to measure the packet path with: it restores the header, writes the next flow's addresses into the packet,
// calls the subject and counts its verdict, so that a test run with a high repeat count processes a new packet each
// time, though each run gets what the one before left. It is run with an empty subject and the real one in turn; the
// difference is the subject's cost.

import { macBytes } from '../base/addresses.ts'
import { array, bytes, direct, struct } from '../bpf/types.ts'
import { be16, fields, ne, part } from '../bpf/values.ts'
import { type Built, type BuiltFunction, plainFunction, program } from '../bpf/xdp.ts'
import { ETH_P_IP, Ethernet, IPPROTO_TCP, Ipv4, Tcp } from './headers.ts'
import type { Shape } from './shape.ts'

/** ListenerAddress: where a packet of the wrapper goes to. */
export const ListenerAddress = struct('listener_addr', { address: 'be32', port: 'be16', fill: 'u16' })

/** wrapperMemory: `flow` counts up, `mask` keeps it below the number of flows; verdicts by number. */
export const wrapperMemory = (listeners: number) =>
  direct('wrapper', {
    flow: 'u64',
    mask: 'u64',
    verdicts: array('u64', 8),
    listeners: array(ListenerAddress, listeners),
  }) // prettier-ignore
export type WrapperMemory = ReturnType<typeof wrapperMemory>

/** SCATTER: an odd constant: flow numbers times it are all different, modulo 2^32. */
const SCATTER = 0x9e3779b1

/** emptySubject: answers XDP_TX and does nothing. */
export const emptySubject = (): BuiltFunction => plainFunction('empty', (p) => p.exitValue(3))

/** referenceSubject: a fixed small program: one bounds check, three comparisons, both MACs swapped, XDP_TX. */
export const referenceSubject = (): BuiltFunction =>
  plainFunction('reference', (p) => {
    const { data, end } = p.packet()
    const { eth, ip } = p.headers(data, end, { eth: Ethernet, ip: Ipv4, tcp: Tcp }, () => p.exitValue(1))
    const low = p.load(part(eth.dst, 0, 'u32'))
    const high = p.load(part(eth.dst, 4, 'u16'))
    const refuse = p.label('refuse')
    p.jumpIf(ne(p.load(eth.type), be16(ETH_P_IP)), refuse)
    p.jumpIf(ne(p.load(ip.versionIhl), 0x45), refuse)
    p.jumpIf(ne(p.load(ip.protocol), IPPROTO_TCP), refuse)
    const [low2, high2] = [p.load(part(eth.src, 0, 'u32')), p.load(part(eth.src, 4, 'u16'))]
    p.store(part(eth.dst, 0, 'u32'), low2)
    p.store(part(eth.dst, 4, 'u16'), high2)
    p.store(part(eth.src, 0, 'u32'), low)
    p.store(part(eth.src, 4, 'u16'), high)
    p.exitValue(3)
    p.bind(refuse)
    p.exitValue(1)
  })

/** wrapped: the subject in its wrapper. The packet given to a test run is a whole TCP frame of any addresses. */
export function wrapped(shape: Shape, memory: WrapperMemory, subject: BuiltFunction): Built {
  const own = new DataView(macBytes(shape.mac).buffer)
  const main = plainFunction('wrapper', (p) => {
    const { flow, mask, verdicts, listeners } = p.memory(memory)
    const { data, end } = p.packet()
    const { eth, ip, tcp } = p.headers(data, end, { eth: Ethernet, ip: Ipv4, tcp: Tcp }, () => p.exitValue(0))
    const number = p.load(flow)
    p.increment(flow, 1)
    // the header is as it was before the subject changed it
    p.store(part(eth.dst, 0, 'u32'), own.getUint32(0, true))
    p.store(part(eth.dst, 4, 'u16'), own.getUint16(4, true))
    p.store(ip.ttl, 64)
    p.store(ip.checksum, 0)
    // and the flow is the next one
    const chosen = p.alu('mul', p.narrow(p.alu('and', number, p.load(mask))), SCATTER)
    p.storeLow(part({ ...ip.source, type: bytes(4) }, 2, 'u16'), chosen)
    p.storeLow(part(tcp.ports, 0, 'u16'), p.alu('rsh', chosen, 16))
    if (listeners.type.count > 1) {
      const scattered = p.alu('mul', p.narrow(number), SCATTER)
      const listener = fields(p.pin(p.element(listeners, p.scale(scattered, listeners.type.count))))
      p.store(ip.destination, p.load(listener.address))
      p.store(part(tcp.ports, 2, 'be16'), p.load(listener.port))
    }
    const verdict = p.callSub(subject, p.ctx)
    p.increment(p.element(verdicts, p.alu('and', verdict, 7)), 1)
    p.exitValue(verdict)
  })
  return program('wrapper', main, [subject])
}
