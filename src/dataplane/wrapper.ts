// A program to measure the packet path with: it restores the header, writes the next flow's addresses into the packet,
// calls the subject and counts its verdict, so that a test run with a high repeat count processes a new packet each
// time, though each run gets what the one before left. It is run with an empty subject and the real one in turn; the
// difference is the subject's cost.

import type { Builder } from '../bpf/builder.ts'
import { array, bytes, direct, struct } from '../bpf/types.ts'
import { be16, fields, ne, type Place, type Pointer, part } from '../bpf/values.ts'
import { type Built, type BuiltFunction, plainFunction, program } from '../bpf/xdp.ts'
import { ETH_P_IP, Ethernet, IPPROTO_TCP, Ipv4, Ipv6, Tcp, Udp } from './headers.ts'
import { has, usesNat } from './memory.ts'
import { macWord } from './path.ts'
import type { Shape } from './shape.ts'

/** ListenerAddress: an IPv4 address is the last word of `low`. */
const ListenerAddress = struct('listener_addr', { high: 'be64', low: 'be64', port: 'be16', fill: bytes(6) })

/** wrapperMemory: `flow` counts up, `mask` keeps it below the number of flows; verdicts by number. */
export const wrapperMemory = (listeners: number) =>
  direct('wrapper', {
    flow: 'u64',
    mask: 'u64',
    verdicts: array('u64', 8),
    listeners: array(ListenerAddress, listeners),
  }) // prettier-ignore
export type WrapperMemory = ReturnType<typeof wrapperMemory>

/** fillListeners writes a shape's listeners, all of one family, for the wrapper to take turns at. */
export function fillListeners({ type }: WrapperMemory, { listeners }: Shape, image: DataView): void {
  for (const [i, { address, port }] of listeners.entries()) {
    const at = type.offsets.listeners + ListenerAddress.size * i
    image.setBigUint64(at, BigInt(address) >> 64n)
    image.setBigUint64(at + 8, BigInt.asUintN(64, BigInt(address)))
    image.setUint16(at + 16, port)
  }
}

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

/** Wrapper of a family: restores the header and makes the packet the next flow's; gives where ports and address are. */
function restoreIpv4(p: Builder, data: Pointer, end: Pointer) {
  const { eth, ip, l4 } = p.headers(data, end, { eth: Ethernet, ip: Ipv4, l4: Udp }, () => p.exitValue(0))
  p.store(ip.ttl, 64)
  p.store(ip.checksum, 0)
  const address = (low: Place<'be64'>) =>
    p.store(ip.destination, p.load({ ...low, offset: low.offset + 4, type: 'be32' }))
  return { eth, source: part({ ...ip.source, type: bytes(4) }, 2, 'u16'), ports: l4.ports, address }
}

function restoreIpv6(p: Builder, data: Pointer, end: Pointer) {
  const { eth, ip, l4 } = p.headers(data, end, { eth: Ethernet, ip: Ipv6, l4: Udp }, () => p.exitValue(0))
  p.store(ip.hopLimit, 64)
  const address = (low: Place<'be64'>, high: Place<'be64'>) => {
    p.store(part(ip.destination, 0, 'be64'), p.load(high))
    p.store(part(ip.destination, 8, 'be64'), p.load(low))
  }
  return { eth, source: part(ip.source, 14, 'u16'), ports: l4.ports, address }
}

/** wrapped: the subject in its wrapper. The packet given to a test run is a whole frame for one of the listeners. */
export function wrapped(shape: Shape, memory: WrapperMemory, subject: BuiltFunction): Built {
  const main = plainFunction('wrapper', (p) => {
    const { flow, mask, verdicts, listeners } = p.memory(memory)
    const { data, end } = p.packet()
    const { eth, source, ports, address } = has(shape, 6)
      ? restoreIpv6(p, data, end)
      : restoreIpv4(p, data, end)
    const number = p.load(flow)
    p.increment(flow, 1)
    p.store(part(eth.dst, 0, 'u32'), macWord(shape.mac, 0))
    p.store(part(eth.dst, 4, 'u16'), macWord(shape.mac, 4))
    const chosen = p.alu('mul', p.narrow(p.alu('and', number, p.load(mask))), SCATTER)
    p.storeLow(source, chosen)
    p.storeLow(part(ports, 0, 'u16'), p.alu('rsh', chosen, 16))
    // what nat has replaced, too
    if (listeners.type.count > 1 || usesNat(shape)) {
      const scattered = p.alu('mul', p.narrow(number), SCATTER)
      const listener = fields(p.pin(p.element(listeners, p.scale(scattered, listeners.type.count))))
      address(listener.low, listener.high)
      p.store(part(ports, 2, 'be16'), p.load(listener.port))
    }
    const verdict = p.callSub(subject, p.ctx)
    p.increment(p.element(verdicts, p.alu('and', verdict, 7)), 1)
    p.exitValue(verdict)
  })
  return program('wrapper', main)
}
