// A listener as the file writes it: `192.168.8.100:80` or `"[2001:db8::10]:53/udp"`, with `/tcp` understood. Most of the file's reader's work
// here is to say what somebody meant who wrote something else: IPv6 without brackets, a range of ports, a name.

import { formatEndpoint, type Ip, tryIp4, tryIp6 } from '../base/addresses.ts'
import { didYouMean } from '../base/nearest.ts'
import { describe } from './check-shape.ts'
import type { ListenerState } from './state.ts'

/** parseListener: the listener, or what is wrong with the text and what to write. */
export function parseListener(text: string): ListenerState | string {
  const example = '192.168.8.100:80'
  const [endpoint, protocol = 'tcp', more] = text.split('/') as [string, string?, string?]
  if (more !== undefined) return `${describe(text)} is not a listener such as ${example}`
  if (protocol !== 'tcp' && protocol !== 'udp')
    return `${describe(protocol)} is no protocol${didYouMean(protocol, ['tcp', 'udp']) || ': leave it out for tcp, or write udp'}`
  const split = endpoint.startsWith('[') ? splitIp6(endpoint) : splitIp4(text, endpoint, example)
  if (typeof split === 'string') return split
  const port = portOf(split.port, split.address)
  return typeof port === 'string' ? port : { address: split.address, port, protocol }
}

type Split = { readonly address: Ip; readonly port: string } | string

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
  return { address, port: endpoint.slice(colon + 1) }
}

function splitIp6(endpoint: string): Split {
  const [, ip = '', port] = /^\[([^\]]*)\](?::(.*))?$/.exec(endpoint) ?? []
  const address = tryIp6(ip)
  if (address === undefined) return `${describe(ip)} in brackets is not an IPv6 address`
  return port ? { address, port } : `"${endpoint}" has no port: write "[${ip}]:80"`
}

function portOf(text: string, address: Ip): number | string {
  if (/^\d+(\.\.|-)\d+$/.test(text))
    return `ranges of ports are not built yet: write each port as a listener of its own, ${formatEndpoint({ address, port: Number.parseInt(text, 10) })} and so on`
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
  if (tryIp6(before) !== undefined && /^\d{1,5}$/.test(port))
    return `an IPv6 listener stands in brackets and quotes: write "[${before}]:${port}"`
  if (tryIp6(text) !== undefined)
    return `an IPv6 listener stands in brackets and quotes and has a port: write "[${text}]:80"`
  return undefined
}
