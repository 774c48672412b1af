// A listener as the file writes it: `192.168.8.100:80`, `192.168.8.100:8000..8099`, `192.168.8.100:*` or
// `"[2001:db8::10]:53/udp"`, with `/tcp` understood. Most of the work here is to say what somebody meant who wrote
// something else: IPv6 without brackets, a dash in a range, a name.

import { type Ip, tryIp4, tryIp6 } from '../base/addresses.ts'
import { didYouMean } from '../base/nearest.ts'
import { describe } from './check-shape.ts'
import { ALL_PORTS, type ListenerState } from './state.ts'

/** parseListener: the listener, or what is wrong with the text and what to write. */
export function parseListener(text: string): ListenerState | string {
  const example = '192.168.8.100:80'
  const [endpoint, protocol = 'tcp', more] = text.split('/') as [string, string?, string?]
  if (more !== undefined) return `${describe(text)} is not a listener such as ${example}`
  if (protocol !== 'tcp' && protocol !== 'udp')
    return `${describe(protocol)} is no protocol${didYouMean(protocol, ['tcp', 'udp']) || ': leave it out for tcp, or write udp'}`
  const split = endpoint.startsWith('[') ? splitIp6(endpoint) : splitIp4(text, endpoint, example)
  if (typeof split === 'string') return split
  const ports = portsOf(split.ports)
  return typeof ports === 'string' ? ports : { address: split.address, ...ports, protocol }
}

type Split = { readonly address: Ip; readonly ports: string } | string

function splitIp4(text: string, endpoint: string, example: string): Split {
  const unbracketed = withoutBrackets(endpoint)
  if (unbracketed !== undefined) return unbracketed
  const colon = endpoint.indexOf(':')
  const ip = colon < 0 ? endpoint : endpoint.slice(0, colon)
  const address = tryIp4(ip)
  if (address === undefined) {
    if (ip === '' || ip === '*')
      return `${describe(text)} names no address: write one of an address set, such as ${example}`
    return `${describe(ip)} is not an IPv4 address; a listener is written as ${example}`
  }
  if (colon < 0 || colon === endpoint.length - 1) return `${describe(text)} has no port: write ${ip}:80`
  return { address, ports: endpoint.slice(colon + 1) }
}

function splitIp6(endpoint: string): Split {
  const [, ip = '', ports] = /^\[([^\]]*)\](?::(.*))?$/.exec(endpoint) ?? []
  const address = tryIp6(ip)
  if (address === undefined) return `${describe(ip)} in brackets is not an IPv6 address`
  return ports ? { address, ports } : `"${endpoint}" has no port: write "[${ip}]:80"`
}

type Ports = Pick<ListenerState, 'port' | 'lastPort'>

function portsOf(text: string): Ports | string {
  if (text === '*') return ALL_PORTS
  const dashed = /^(\d+)\s*(?:-|–|:|,)\s*(\d+)$/.exec(text)
  if (dashed) return `a range of ports has two dots: write ${dashed[1]}..${dashed[2]}`
  const [first, last = first, more] = text.split('..') as [string, string?, string?]
  if (more !== undefined) return `${describe(text)} is no range of ports such as 8000..8099`
  const port = portOf(first)
  const lastPort = portOf(last!)
  if (typeof port === 'string') return port
  if (typeof lastPort === 'string') return lastPort
  if (last!.length < first.length) {
    const whole = `${first.slice(0, -last!.length)}${last}`
    return `${describe(text)} is no range of ports: write both in full, ${first}..${whole}`
  }
  if (lastPort < port) return `${describe(text)} runs backwards: write ${lastPort}..${port}`
  return { port, lastPort }
}

function portOf(text: string): number | string {
  const port = Number(text)
  if (!/^[1-9]\d{0,4}$/.test(text) || port > 65_535)
    return `${describe(text)} is no port: write a number from 1 to 65535, without zeros before it`
  return port
}

/** withoutBrackets: what to say of an IPv6 listener whose brackets are missing. */
function withoutBrackets(text: string): string | undefined {
  if (text.split(':').length < 3) return undefined
  const last = text.lastIndexOf(':')
  const [before, port] = [text.slice(0, last), text.slice(last + 1)]
  if (tryIp6(before) !== undefined && /^(\d{1,5}(\.\.\d{1,5})?|\*)$/.test(port))
    return `an IPv6 listener stands in brackets and quotes: write "[${before}]:${port}"`
  if (tryIp6(text) !== undefined)
    return `an IPv6 listener stands in brackets and quotes and has a port: write "[${text}]:80"`
  return undefined
}
