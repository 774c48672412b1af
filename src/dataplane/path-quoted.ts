// Translation of what an ICMP error quotes, in the program: an address and a port of the quoted packet, the checksums that
// are there, and the error's own, which follows all that has changed (docs/packet-path.md, N5).

import type { Builder } from '../bpf/builder.ts'
import type { Stashed } from '../bpf/emitter.ts'
import type { Label } from '../bpf/isa.ts'
import { eq, ne, type Place, type Pointer, part, type Val } from '../bpf/values.ts'
import type { BuiltFunction } from '../bpf/xdp.ts'
import { Icmp, IPPROTO_TCP, IPPROTO_UDP, Ipv4, Ipv6, Tcp, Udp } from './headers.ts'
import type { Family } from './memory.ts'
import type { Word } from './path-answers.ts'
import { difference16, follow, followUdp, replaceAddress, replacePort } from './path-translate.ts'
import { WHERE } from './path-where.ts'

/** Quoted: what is translated, and what is put in its place. What is a function emits when it is needed. */
export interface Quoted {
  readonly family: Family
  /** The packet once more. */
  readonly frame: () => { readonly data: Pointer; readonly end: Pointer }
  /** Where the quoted IP header is. */
  readonly header: () => Val<'u32'>
  readonly side: 'source' | 'destination'
  readonly word: Word
  /** In wire order; 0: it stays. */
  readonly port: () => Val<'u32'>
  /** What has been added to the error's checksum already: its own pseudo-header's change. */
  readonly sum: Stashed<'u64'>
  readonly missing: Label
  /** Of path-translate.ts. */
  readonly update: BuiltFunction
}

export function translateQuoted(p: Builder, quoted: Quoted): void {
  const { family, side, word, port, sum, missing, update } = quoted
  const [address, both] = [p.slot('u64'), p.slot('u64')]
  const protocol = p.slot('u32')
  const behind = p.slot('u32')
  const add = (more: Val<'u64'>) => p.setSlot(sum, p.alu('add', p.unstash(sum), more))
  const from = (by: () => Val<'u32'>) => {
    const { data, end } = quoted.frame()
    return { at: p.advance(data, by()), end }
  }
  /** A checksum that follows, and its own change, which the error's follows. */
  const followed = (place: Place<'u16'>, update: () => void) => {
    const before = p.stash(p.narrow(p.widen(p.load(place))))
    update()
    add(difference16(p, p.unstash(before), p.load(place)))
  }

  {
    const { at, end } = from(quoted.header)
    const { ip } =
      family === 4 ? p.headers(at, end, { ip: Ipv4 }, missing) : p.headers(at, end, { ip: Ipv6 }, missing)
    const place = ip[side]
    const added = replaceAddress(
      p,
      family,
      { ...place, type: { is: 'bytes', count: family === 4 ? 4 : 16 } },
      word,
    )
    p.setSlot(address, added)
    p.setSlot(both, added)
    add(added)
    if ('tos' in ip) {
      p.setSlot(protocol, p.narrow(p.widen(p.load(ip.protocol))))
      p.setSlot(behind, p.alu('lsh', p.alu('and', p.load(ip.versionIhl), 15), 2))
      followed(ip.checksum, () => follow(p, ip.checksum, p.unstash(address), update))
    } else {
      p.setSlot(protocol, p.narrow(p.widen(p.load(ip.next))))
      p.setSlot(behind, Ipv6.size)
    }
  }
  const transport = () => from(() => p.alu('add', quoted.header(), p.alu('and', p.unstash(behind), 63)))
  const [done, segment, datagram] = [p.label('quoted-done'), p.label('quoted-tcp'), p.label('quoted-udp')]
  const turnPort = () => {
    const kept = p.label('quoted-port-kept')
    const to = p.stash(port())
    p.jumpIf(eq(p.unstash(to), 0), kept)
    const { at, end } = transport()
    const { l4 } = p.headers(at, end, { l4: Udp }, done)
    const added = p.stash(replacePort(p, part(l4.ports, side === 'source' ? 0 : 2, 'u16'), p.unstash(to)))
    add(p.unstash(added))
    p.setSlot(both, p.alu('add', p.unstash(both), p.unstash(added)))
    p.bind(kept)
  }
  p.jumpIf(eq(p.unstash(protocol), IPPROTO_TCP), segment)
  p.jumpIf(ne(p.unstash(protocol), IPPROTO_UDP), done)
  p.goto(datagram)
  p.bind(segment)
  turnPort()
  {
    const { at, end } = transport()
    // of the header only ports and sequence number need be there; the checksum is behind them
    const { tcp } = p.headers(at, end, { tcp: { ...Tcp, size: 18 } as typeof Tcp }, done)
    const checksum = part(tcp.rest, 2, 'u16')
    followed(checksum, () => follow(p, checksum, p.unstash(both), update))
    p.goto(done)
  }
  p.bind(datagram)
  turnPort()
  {
    const { at, end } = transport()
    const { udp } = p.headers(at, end, { udp: Udp }, done)
    const checksum = part(udp.lengthChecksum, 2, 'u16')
    followed(checksum, () => {
      const unsummed = p.label('quoted-unsummed')
      followUdp(p, checksum, p.unstash(both), unsummed, update)
      p.bind(unsummed)
    })
  }
  p.bind(done)
  const { at, end } = from(() => p.alu('and', p.alu('sub', quoted.header(), Icmp.size), WHERE.mask))
  const { icmp } = p.headers(at, end, { icmp: Icmp }, missing)
  follow(p, icmp.checksum, p.unstash(sum), update)
}
