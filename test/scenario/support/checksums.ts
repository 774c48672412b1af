// What tshark says of the checksums in a capture file: it works each of them out anew, those of IP, TCP, UDP, ICMP and
// ICMPv6, and those within packets that ICMP errors quote.

import type { Lab } from '../../../src/lab/held-lab.ts'

/** Checksums: frames of TCP or UDP, and errors of ICMP or ICMPv6, that are right; what is wrong: a line of tshark's each. */
export interface Checksums {
  readonly right: number
  readonly rightErrors: number
  readonly wrong: readonly string[]
}

const FIELDS = [
  'frame.number',
  'frame.protocols',
  'ip.len',
  'ipv6.plen',
  ...['ip', 'tcp', 'udp', 'icmp', 'icmpv6'].map((name) => `${name}.checksum.status`),
  'tcp.checksum.ffff',
]
/** tshark's words: proto_checksum_enum_e of epan/proto.h. `ABSENT` is UDP's 0. */
const [GOOD, ABSENT] = ['1', '3']
const [IPV4_HEADER, IPV6_HEADER, ICMP_HEADER] = [20, 40, 8]

/**
 * checksums reads a capture file. Frames must be whole in it: one that cannot be verified counts as wrong. Where an error
 * quotes a packet in part, the quoted TCP or UDP cannot be verified, and is not looked at. A sum of 0 is sent by Linux as 0xffff,
 * in TCP too (CSUM_MANGLED_0 of skb_checksum_help), one segment in 65,536: for who adds up that is the same, and right;
 * tshark calls it bad, and says that it is this.
 */
export async function checksums(lab: Lab, file: string): Promise<Checksums> {
  const verify = ['ip', 'tcp', 'udp'].flatMap((name) => ['-o', `${name}.check_checksum:TRUE`])
  const fields = FIELDS.flatMap((field) => ['-e', field])
  const out = await lab.run('client', ['tshark', '-n', '-r', file, ...verify, '-T', 'fields', ...fields])
  let [right, rightErrors] = [0, 0]
  const wrong: string[] = []
  for (const line of out.split('\n').filter(Boolean)) {
    const [, protocols = '', ip4, ip6, ip = '', tcp = '', udp = '', icmp = '', icmp6 = '', mangled = ''] =
      line.split('\t')
    const isError = /icmp(v6)?:ip/.test(protocols)
    const isCut =
      isError && !quotesAll(ip4 ? lengths(ip4, 0, IPV4_HEADER) : lengths(ip6, IPV6_HEADER, IPV6_HEADER))
    const transport = isCut ? [] : [...tcp, ...udp].filter((status) => status !== ',')
    const bad = transport.filter((status) => status !== GOOD && status !== ABSENT)
    const zeros = mangled === '' ? 0 : mangled.split(',').length
    if (/[^1,]/.test(ip + icmp + icmp6) || bad.length > zeros) wrong.push(line)
    else if (isError) rightErrors++
    else if (transport[0] === GOOD || zeros > 0) right++
  }
  return { right, rightErrors, wrong }
}

/** lengths: of the packet's content behind its header, and of the whole packet that it quotes. */
const lengths = (text = '', added: number, header: number): readonly [number, number] => {
  const [outer = 0, inner = 0] = text.split(',').map(Number)
  return [outer + added - header, inner + added]
}

const quotesAll = ([content, quoted]: readonly [number, number]): boolean => content - ICMP_HEADER >= quoted
