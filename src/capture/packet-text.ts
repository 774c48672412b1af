// A recorded packet in words: the comment that a pcapng file has beside it, and a line for people.

import { formatEndpoint, formatIp, type Ip } from '../base/addresses.ts'
import type { RecordedPacket } from '../engine/recorded.ts'
import { outlineOf } from '../wire/outline.ts'
import { tcpFlag } from '../wire/tcp.ts'

const protocolNames: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmp6' }

/** commentOf a packet: `verdict=forwarded service=www server=web03`; `kind` where it is not said by that. */
export function commentOf({ outcome, service, server, kind }: RecordedPacket): string {
  const words = [
    `verdict=${outcome}`,
    ...(service === undefined ? [] : [`service=${service}`]),
    ...(server === undefined ? [] : [`server=${server}`]),
    `kind=${kind}`,
  ]
  return words.join(' ')
}

/** flagsText: the flags' names, as `syn ack`. */
const flagsText = (flags: number): string =>
  Object.entries(tcpFlag)
    .flatMap(([name, bit]) => (flags & bit ? [name.toLowerCase()] : []))
    .join(' ') || 'no flags'

/** packetText: who sends what to whom: `198.51.100.7:40000 > 192.0.2.10:80 syn, window 0, no options, 40 bytes, ttl 52`. */
export function packetText({ bytes, length }: RecordedPacket): string {
  const outline = outlineOf(bytes)
  if (!outline) return `a frame of ${length} bytes`
  const { source, destination, ports, tcp, protocol, isFragment, hops } = outline
  const end = (address: Ip, port: number | undefined) =>
    port === undefined ? formatIp(address) : formatEndpoint({ address, port })
  const ends = `${end(source, ports?.source)} > ${end(destination, ports?.destination)}`
  const what = [
    tcp ? flagsText(tcp.flags) : (protocolNames[protocol] ?? `protocol ${protocol}`),
    ...(tcp
      ? [`window ${tcp.window}`, tcp.options === 0 ? 'no options' : `${tcp.options} bytes of options`]
      : []),
    ...(isFragment ? ['fragment'] : []),
    `${outline.length} bytes`,
    `ttl ${hops}`,
  ]
  return `${ends} ${what.join(', ')}`
}
