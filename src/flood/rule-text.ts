// A rule in the words of `tenbin flood add`.

import { formatPrefix } from '../base/prefix.ts'
import { type Range, type RuleMatch, TCP_FLAGS } from '../dataplane/rule.ts'

const rangeText = ({ first, last }: Range): string => (first === last ? `${first}` : `${first}..${last}`)
const listText = <T>(items: readonly T[], text: (item: T) => string): string => items.map(text).join(',')

/** flagsText: syn, syn+ack, none; undefined: any. */
function flagsText(flags: NonNullable<RuleMatch['flags']>): string {
  const names = Object.entries(TCP_FLAGS).flatMap(([name, bit]) => ((flags.set & bit) === 0 ? [] : [name]))
  return names.length === 0 ? 'none' : names.join('+')
}

/** optionsOf a match: the options of the command that adds it. */
export function optionsOf(match: RuleMatch): string {
  const { protocol, flags, window, options, length, ttl, source, destination, sourcePorts, ports, payload } =
    match
  const said: readonly (readonly [string, string | undefined])[] = [
    ['tcp', protocol === 'tcp' ? (flags ? flagsText(flags) : 'any') : undefined],
    ['udp', protocol === 'udp' ? 'any' : undefined],
    ['window', window && rangeText(window)],
    ['options', options],
    ['length', length && rangeText(length)],
    ['ttl', ttl && rangeText(ttl)],
    ['source', source && listText(source, formatPrefix)],
    ['destination', destination && listText(destination, formatPrefix)],
    ['source-ports', sourcePorts && listText(sourcePorts, rangeText)],
    ['ports', ports && listText(ports, rangeText)],
    [
      'payload',
      payload && listText(payload, ({ at, bytes }) => `${at}:${Buffer.from(bytes).toString('hex')}`),
    ],
  ]
  return said.flatMap(([name, value]) => (value === undefined ? [] : [`--${name} ${value}`])).join(' ')
}
