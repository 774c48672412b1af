// A listener as the file writes it, `192.168.8.100:80`, with `/tcp` understood. Most of the file's reader's work
// here is to say what somebody meant who wrote something else: IPv6 without brackets, a range of ports, a name.

import { formatIp, type Ip4, tryIp4, tryIp6 } from '../base/addresses.ts'
import { didYouMean } from '../base/nearest.ts'
import { describe } from './check-shape.ts'
import type { ListenerState } from './state.ts'

/** parseListener: the listener, or what is wrong with the text and what to write. */
export function parseListener(text: string): ListenerState | string {
  const example = '192.168.8.100:80'
  const [endpoint, protocol, more] = text.split('/')
  if (more !== undefined) return `${describe(text)} is not a listener such as ${example}`
  if (protocol !== undefined && protocol !== 'tcp') {
    if (protocol === 'udp') return 'UDP is not built yet: leave listeners with /udp out'
    return `${describe(protocol)} is no protocol${didYouMean(protocol, ['tcp']) || ': leave it out for tcp'}`
  }
  const six = ip6Listener(endpoint!)
  if (six !== undefined) return six
  const colon = endpoint!.indexOf(':')
  const ip = colon < 0 ? endpoint! : endpoint!.slice(0, colon)
  const address = tryIp4(ip)
  if (address === undefined) {
    if (ip === '' || ip === '*')
      return `${describe(text)} names no address: write one of an address set, such as ${example}`
    return `${describe(ip)} is not an IPv4 address; a listener is written as ${example}`
  }
  if (colon < 0 || colon === endpoint!.length - 1) return `${describe(text)} has no port: write ${ip}:80`
  const port = portOf(endpoint!.slice(colon + 1), address)
  return typeof port === 'string' ? port : { address, port, protocol: 'tcp' }
}

function portOf(text: string, address: Ip4): number | string {
  if (/^\d+(\.\.|-)\d+$/.test(text))
    return `ranges of ports are not built yet: write each port as a listener of its own, ${formatIp(address)}:${Number.parseInt(text, 10)} and so on`
  const port = Number(text)
  if (!/^[1-9]\d{0,4}$/.test(text) || port > 65_535)
    return `${describe(text)} is no port: write a number from 1 to 65535, without zeros before it`
  return port
}

/** ip6Listener: what to say of an IPv6 listener, with or without its brackets. */
function ip6Listener(text: string): string | undefined {
  const notYet = 'IPv6 is not built yet: listen on an IPv4 address'
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text)
  if (bracketed) {
    if (tryIp6(bracketed[1]!) === undefined)
      return `${describe(bracketed[1])} in brackets is not an IPv6 address`
    return notYet
  }
  if (text.split(':').length < 3) return undefined
  const last = text.lastIndexOf(':')
  const [before, port] = [text.slice(0, last), text.slice(last + 1)]
  if (tryIp6(before) !== undefined && /^\d{1,5}$/.test(port))
    return `an IPv6 listener stands in brackets and quotes, "[${before}]:${port}"; but ${notYet}`
  if (tryIp6(text) !== undefined)
    return `an IPv6 listener stands in brackets and quotes and has a port, "[${text}]:80"; but ${notYet}`
  return undefined
}
