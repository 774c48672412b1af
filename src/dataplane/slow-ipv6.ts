// IPv6 on the slow path: extension headers, fragments, errors about a flow. Pointers do not outlive the walk over
// extension headers, so that the frame is looked at again wherever it was walked over.

import { eq, ne, part, type Val } from '../bpf/values.ts'
import type { Path } from './cell.ts'
import { EXTENSION, Extension, IPPROTO_ICMPV6, Ipv6, Source6 } from './headers.ts'
import { matchAddress } from './match.ts'
import { guardProtocol, leastOf, type Term } from './path.ts'
import { CURSOR, cursorAt, extensionWalk, fragmentOf, nextOf, PLACE, placeOf } from './path-extensions.ts'
import { fragmentHash } from './path-fragment.ts'
import { addressWords, finishIpv6, hashIpv6 } from './path-ipv6.ts'
import { quotedIpv6 } from './path-quote.ts'
import { KEY_ADDRESS6, KEY_PORTS, KEY_SOURCE, KEY_SOURCE6 } from './shape.ts'
import {
  addressOnly,
  belongs,
  type FragmentWays,
  flowOf,
  followFirst,
  readPorts,
  type Slow,
  startOf,
  tellWhere,
  WHY,
} from './slow-facts.ts'

/** reread: the frame again. */
function reread(p: Path, { facts }: Slow) {
  const { data, end } = p.packet()
  const network = p.advance(data, startOf(p, facts))
  return { data, end, network, ...p.headers(network, end, { ip: Ipv6 }, 'short') }
}

/** slowIpv6: steps 4 and 6 to 14. */
export function slowIpv6(p: Path, slow: Slow): void {
  const { route, facts } = slow
  const { shape, memory } = route
  const walk = extensionWalk()
  const before = reread(p, slow)
  p.exitIf(ne(p.alu('rsh', p.load(before.ip.versionClass), 4), 6), 'malformed')
  const first = cursorAt(p, startOf(p, facts), Ipv6.size, p.load(before.ip.next))
  const walked = p.callWide(walk, p.ctx, first)
  const [error, fragment, whole] = [p.label('error6'), p.label('fragment6'), p.label('whole6')]
  const [known, unreadable] = [p.label('flow-known6'), p.label('unreadable6')]
  const next = nextOf(p, walked)
  p.jumpIf(eq(next, CURSOR.truncated), unreadable)
  p.setSlot(facts.protocol, p.alu('and', next, 0xff))
  p.setSlot(facts.client, startOf(p, facts))
  const cursor = p.stash(walked)
  p.jumpIf(ne(fragmentOf(p, walked), 0), fragment)
  p.cold(fragment, () => fragmentIpv6(p, slow, p.unstash(cursor), { first: whole, known, unreadable }))

  p.bind(whole)
  const { data, end, ip } = reread(p, slow)
  const place = placeOf(p, p.unstash(cursor))
  const at = p.advance(data, place)
  const protocol = () => p.unstash(facts.protocol)
  p.jumpIf(eq(protocol(), IPPROTO_ICMPV6), error)
  guardProtocol(p, shape, protocol(), 'other-protocol')
  readPorts(p, shape, facts, at, end, unreadable)
  const extensions = () => p.alu('sub', p.alu('sub', p.narrow(place), startOf(p, facts)), Ipv6.size)
  p.setSlot(facts.least, p.alu('add', extensions(), leastOf(p, shape, protocol)))
  p.setSlot(facts.isSilent, extensions())
  if (route.where) p.setSlot(facts.at, p.narrow(place))
  p.cold(error, () => {
    p.setSlot(facts.isSilent, 1)
    quotedIpv6(p, shape, facts, { ip, at, end, place, walk, start: () => startOf(p, facts) })
    belongs(p, route, facts, () => p.unstash(facts.client))
    p.goto(known)
  })
  p.bind(known)
  finish()
  p.bind(unreadable)
  addressOnly(p, slow, (none) => {
    const { destination } = reread(p, slow).ip
    matchAddress(p, shape, memory, { family: 6, place: destination }, none)
  })

  function finish(): void {
    // looking an address up in a table takes every register, so that the client is found afterwards
    const told = tellWhere(p, route, flowOf(p, facts))
    finishIpv6(p, told, reread(p, slow).ip, flowOf(p, facts))
    const { data, end } = p.packet()
    const client = p.advance(data, p.alu('and', p.unstash(facts.client), PLACE))
    const { who } = p.headers(client, end, { who: Source6 }, 'short')
    hashIpv6(p, route, { ...flowOf(p, facts), client: addressWords(p, who.source) })
    p.goto(route.join)
  }
}

/** fragmentIpv6: a packet with a fragment header that makes it one. */
function fragmentIpv6(p: Path, slow: Slow, cursor: Val<'u64'>, ways: FragmentWays): void {
  const { facts, route } = slow
  const place = fragmentOf(p, cursor)
  const { data, end, ip } = reread(p, slow)
  const { header } = p.headers(p.advance(data, place), end, { header: Extension }, 'truncated')
  const behind = p.alu(
    'sub',
    p.alu('sub', p.narrow(place), startOf(p, facts)),
    Ipv6.size - Extension.size - 1,
  )
  p.setSlot(facts.least, behind)
  const [source, destination] = [addressWords(p, ip.source), addressWords(p, ip.destination)]
  const hash = fragmentHash(p, route.memory, KEY_SOURCE - 1, [
    [KEY_SOURCE, () => source(0)],
    ...[1, 2, 3].map((word): Term => [KEY_SOURCE6 + word - 1, () => source(word)]),
    ...[0, 1, 2, 3].map((word): Term => [KEY_ADDRESS6 + word, () => destination(word)]),
    [KEY_PORTS, () => p.load(part(header.rest, 0, 'u32'))],
  ])
  p.setSlot(facts.fragment, hash)
  const units = p.alu('rsh', p.toHost(p.load(header.fragment)), 3)
  const told = p.label('told-by-first')
  p.exitIf(eq(p.unstash(facts.protocol), IPPROTO_ICMPV6), 'other-protocol')
  p.jumpIf(eq(units, 0), told)
  // a later one in which more headers come next: whose it is stands behind those of the first
  p.setSlot(facts.why, WHY.stray)
  for (const kind of [EXTENSION.destination, EXTENSION.authentication])
    p.jumpIf(eq(p.unstash(facts.protocol), kind), ways.unreadable)
  p.bind(told)
  followFirst(p, slow, units, ways)
}
