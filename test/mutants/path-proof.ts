// Mutants of proof of source: what a cookie is made of, who is proven, when a service asks, what goes back.

import { inFile, type Mutant } from './run-mutant.ts'

const proof = inFile('src/dataplane/path-proof.ts', 'sequences')
const proven = inFile('src/dataplane/path-proven.ts', 'sequences')
const opening = inFile('src/dataplane/path-opening.ts', 'sequences')
const challenge = inFile('src/dataplane/path-challenge.ts', 'sequences')
const hash = inFile('src/dataplane/path-siphash.ts', 'sequences')
const admit = inFile('src/dataplane/path-admit-flows.ts', 'sequences')
/** What is left out is not done. */
const removed = ''

/** proofMutants: all of them. */
export const proofMutants: readonly Mutant[] = [
  proof(
    'proof: a service that is `on` waits for a threshold',
    '  p.jumpIf(eq(mode, PROOF.on), asked)\n',
    removed,
  ),
  proof('proof: `off` is as good as `auto`', '  p.jumpIf(ne(mode, PROOF.auto), off)\n', removed),
  proof(
    'proof: it holds for one tick more',
    'tickNow(p, shape, memory)), 1)',
    'tickNow(p, shape, memory)), 0)',
  ),
  proof(
    'proof: a RST is as good as any',
    'p.jumpIf(ne(differs(askCookie(p, cookie, opening, before)), 0), none)',
    '',
  ),
  proof(
    'proof: the epoch before counts no more',
    "const before = p.alu('sub', epochNow(p, shape, memory), 1)",
    "const before = p.alu('sub', epochNow(p, shape, memory), 0)",
  ),
  proof(
    'proof: nobody is remembered',
    '    p.callSub(prove, sourceOf(p, shape, opening), p.unstash(opening.isIpv6), tickNow(p, shape, memory))\n',
    removed,
  ),
  proof('proof: no window begins', '      p.store(count, 0)\n', removed),
  proof(
    'proof: what comes in peace is not counted',
    '    count()\n    p.exitValue(0)\n',
    '    p.exitValue(0)\n',
  ),
  proof('proof: who is not proven is not counted', '    count()\n    const most', '    const most'),
  proof(
    'proof: who is proven is asked all the same',
    '{ context, where: p.unstash(at) }, off), 0), admitted)',
    '{ context, where: p.unstash(at) }, off), 2), admitted)',
  ),
  proof('proof: one threshold for both', '    p.set(most, p.load(service().above))\n', removed),
  proof('proof: above the threshold it is not prolonged', '    prolong(service())\n', removed),
  proof(
    'proof: the threshold itself is above it',
    'p.jumpIf(lt(p.unstash(before), most), within)',
    "p.jumpIf(lt(p.alu('add', p.unstash(before), 1), most), within)",
  ),
  proven(
    'proof: a source is remembered for ever',
    "    p.jumpIf(gt(p.alu('sub', p.unstash(at), tick), p.load(rememberTicks)), stranger)\n",
    removed,
  ),
  proven(
    'proof: IPv6 sources are hashed as IPv4 ones',
    '    if (has(shape, 6)) p.jumpIf(ne(six, 0), wide)\n',
    removed,
  ),
  opening(
    'proof: a cookie is for any service address',
    '    for (const [i, place] of [ip.source, ip.destination].entries())',
    '    for (const [i, place] of [ip.source, ip.source].entries())',
  ),
  opening(
    'proof: a cookie is for any port',
    "p.alu('or', length, p.load(part(tcp.ports, 0, 'u32')))",
    "p.alu('or', length, p.load(part(tcp.ports, 2, 'u16')))",
  ),
  opening('proof: a cookie is for ever', "p.alu('and', epoch, EPOCH_MASK)", "p.alu('and', epoch, 0)"),
  opening(
    'proof: a /32 of IPv6 is a source',
    'p.jumpIf(eq(p.unstash(isIpv6), 1), whole)',
    'p.jumpIf(eq(p.unstash(isIpv6), 2), whole)',
  ),
  challenge(
    'proof: a number is anywhere',
    "p.alu('sub', own, p.alu('and', p.alu('sub', own, hash), COOKIE_MASK))",
    "p.alu('sub', own, p.alu('sub', own, hash))",
  ),
  challenge(
    'proof: the answer goes on to the node',
    '    turn(p, shape, p.headers(data, end, { eth: Ethernet }, missing).eth)\n',
    removed,
  ),
  challenge(
    'proof: the answer is as long as the SYN',
    '    p.adjustTail(',
    '    if (shape.own < 0) p.adjustTail(',
  ),
  challenge(
    'proof: the pseudo-header is not summed',
    'p.const64(BigInt(PSEUDO + ACK_WORD))',
    'p.const64(BigInt(ACK_WORD))',
  ),
  challenge(
    'proof: ports are not turned',
    "p.store(part(written.ports, 0, 'u32'), swapped)",
    "p.store(part(written.ports, 0, 'u32'), ports)",
  ),
  challenge('proof: IPv6 addresses are not turned', '(8 * i + 16) % 32', '8 * i'),
  challenge(
    'proof: a carry is lost',
    "p.alu('add', p.alu('and', once, 0xffff), p.alu('rsh', once, 16))",
    "p.alu('and', once, 0xffff)",
  ),
  hash(
    'proof: the hash has no secret',
    "p.alu('xor', p.const64(start), p.load(p.element(secrets, first + (i % 2))))",
    'p.const64(start)',
  ),
  hash('proof: the hash ends after a round', 'i < SIP_ROUNDS.end', 'i < SIP_ROUNDS.block'),
  admit('proof: a RST proves nothing', '  p.jumpIf(anyBits(flags, TCP_RST), reset)\n', removed),
  admit('proof: a SYN is asked nothing', '    if (proof) askProof(p, admitting, proof)\n', removed),
]
