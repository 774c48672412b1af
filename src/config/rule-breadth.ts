// Whether a rule takes what clients as such send: it is asked about ordinary segments, and about SYNs as nearly all clients
// send them. What it says of services, ports and destinations does not matter: those who use them are kept out all the same.

import { formatRate } from '../base/amounts.ts'
import { bitsOf, isMost } from '../base/prefix.ts'
import { type Range, type RuleMatch, TCP_FLAGS } from '../dataplane/rule.ts'
import type { RuleSpec } from '../engine/defence-spec.ts'
import { TYPICAL_PORTS, TYPICAL_SYNS, TYPICAL_TTLS } from './typical-clients.ts'

const { fin, syn, rst, psh, ack } = TCP_FLAGS
/** ORDINARY: flags of the segments that every connection consists of. */
const ORDINARY = [syn, ack, psh | ack, fin | ack, fin | psh | ack, rst, rst | ack]
/** ORDINARY_LENGTH, ORDINARY_WINDOW: what packets of clients have. */
const ORDINARY_LENGTH: Range = { first: 40, last: 1_500 }
const ORDINARY_WINDOW: Range = { first: 1, last: 65_535 }

/** LEAST_LIMIT: a limit of what anybody sends is a ceiling from where a flood begins: of SYNs, of all else (decision 0034). */
const LEAST_LIMIT = { opening: 1_000, others: 10_000 }

/** breadthFault: why a rule would keep out clients as such; undefined: it would not. */
export function breadthFault({
  match,
  action,
  perSecond = 0,
}: Pick<RuleSpec, 'match' | 'action' | 'perSecond'>): string | undefined {
  if (action === 'count') return undefined
  const what = broadAs(match)
  if (what === undefined) return undefined
  const { set, clear } = match.flags ?? { set: 0, clear: 0 }
  const least = LEAST_LIMIT[(set & syn) !== 0 && (clear & ack) !== 0 ? 'opening' : 'others']
  if (action === 'limit' && perSecond >= least) return undefined
  const does = action === 'drop' ? 'drops' : 'limits'
  const most = action === 'drop' ? '' : `write ${formatRate(least)} or more, or `
  return `it ${does} ${what}: ${most}say more, such as window, length, source or options: none`
}

/** broadAs: what of everybody's a rule takes; undefined: not that much. */
function broadAs(match: RuleMatch): string | undefined {
  const { flags, options, source, sourcePorts, ttl, payload } = match
  if (options === 'none' || payload !== undefined) return undefined
  if (source && !source.some(isMost)) return undefined
  if (!TYPICAL_TTLS.every((each) => isWithin(each, ttl))) return undefined
  if (sourcePorts && !TYPICAL_PORTS.every((port) => sourcePorts.some((range) => isWithin(port, range))))
    return undefined
  if (isOrdinary(match)) return flags ? 'what every connection consists of' : 'every packet'
  return takesSyns(match) ? 'the SYNs of Linux, Android, Windows, macOS and iOS' : undefined
}

/** isOrdinary: it takes ordinary segments, whatever their window and length. */
const isOrdinary = ({ flags, window, length }: RuleMatch): boolean =>
  holds(length, ORDINARY_LENGTH) &&
  holds(window, ORDINARY_WINDOW) &&
  (!flags || ORDINARY.some((each) => isOf(each, flags)))

/** takesSyns: it takes all typical SYNs; of IPv6 alone if its networks are. */
function takesSyns({ protocol, flags, window, length, source, destination }: RuleMatch): boolean {
  if (protocol === 'udp' || (flags && !isOf(syn, flags))) return false
  const networks = [...(source ?? []), ...(destination ?? [])]
  const more = networks.some(({ address }) => bitsOf(address) === 128) ? 20 : 0
  return TYPICAL_SYNS.every((each) => isWithin(each.window, window) && isWithin(each.length + more, length))
}

const isOf = (bits: number, { set, clear }: NonNullable<RuleMatch['flags']>): boolean =>
  (bits & set) === set && (bits & clear) === 0

const isWithin = (value: number, range: Range | undefined): boolean =>
  range === undefined || (value >= range.first && value <= range.last)

const holds = (range: Range | undefined, ordinary: Range): boolean =>
  isWithin(ordinary.first, range) && isWithin(ordinary.last, range)
