// Answers to checks through a service address are taken to the checker, and nothing else is.

import { tcpFlag } from '../../wire/tcp.ts'
import { INNER_MAC } from '../turn.ts'
import { back, client, vip, vip6, web1 } from './fixture.ts'
import type { FixtureName } from './fixtures.ts'
import { node, node6, second, second6 } from './fixtures-turn.ts'
import { frameOf, keeps, type Parts, type Vector } from './vector.ts'

/** answerOf: a server's SYN-ACK from the vip's port 80 for the node's port 61440; what is in `parts` is otherwise. */
const answerOf = ({ ip, ip6, tcp: segment, udp: datagram, ...rest }: Parts): Parts => ({
  ether: { source: web1 },
  ...(ip6
    ? { ip6: { source: vip6, destination: node6, ...ip6 } }
    : { ip: { source: vip, destination: node, ...ip } }),
  ...(datagram
    ? { udp: { source: 53, destination: 61_440, ...datagram } }
    : { tcp: { source: 80, destination: 61_440, flags: tcpFlag.SYN | tcpFlag.ACK, ...segment } }),
  ...rest,
})

const turned = (name: string, parts: Parts, fixture: FixtureName = 'turn'): Vector => {
  const whole = answerOf(parts)
  return {
    name: `an answer to a check: ${name}`,
    fixture,
    frame: frameOf(whole),
    expected: {
      outcome: 'turned',
      frame: frameOf({ ...whole, ether: { ...whole.ether, destination: INNER_MAC } }),
    },
  }
}
const passes = (name: string, parts: Parts, fixture: FixtureName = 'turn'): Vector =>
  keeps('no-listener', `no answer to a check: ${name}`, answerOf(parts), fixture)

/** turnVectors. */
export const turnVectors: readonly Vector[] = [
  turned('a SYN-ACK', {}),
  turned('a RST', { tcp: { flags: tcpFlag.RST | tcpFlag.ACK } }),
  turned('a segment with payload', { tcp: { flags: tcpFlag.ACK }, payload: 'HTTP/1.1 200 OK' }),
  turned('for the last port', { tcp: { destination: 65_535 } }),
  turned('for the node’s other address', { ip: { destination: second } }),
  turned('from a port that is no listener’s', { tcp: { source: 81 } }),
  turned('with TTL 1', { ip: { ttl: 1 } }),
  turned('IPv6', { ip6: {} }, 'turn-six'),
  turned('IPv6, for the node’s other address', { ip6: { destination: second6 } }, 'turn-six'),
  turned('IPv4 of both families', {}, 'turn-both'),
  turned('IPv6 of both families', { ip6: {} }, 'turn-both'),
  turned('a datagram', { udp: {}, payload: 'what a name server says' }, 'turn-both'),
  turned('a short datagram, which takes the slow path', { udp: {} }, 'turn-both'),
  turned('a short datagram of IPv6', { ip6: {}, udp: {} }, 'turn-both'),
  turned('a jumbo frame', { payload: new Uint8Array(1_400) }, 'turn-both-jumbo'),
  turned('of 70 listeners, IPv4', {}, 'turn-seventy'),
  turned('of 70 listeners, IPv6', { ip6: { source: '2001:db8::45' } }, 'turn-seventy'),
  turned('beside nat', {}, 'turn-nat'),
  turned('beside tracked flows', {}, 'turn-tracked'),
  passes('another port of the node', { tcp: { destination: 61_439 } }),
  passes('a port whose upper bits are some of them', { tcp: { destination: 0x7fff } }),
  passes('a port that is one of them with its bytes swapped', { tcp: { destination: 0x00f0 } }),
  passes('for another address', { ip: { destination: '192.0.2.3' } }),
  passes('for an address that begins as the node’s', { ip: { destination: '192.0.3.2' } }),
  passes('from another address', { ip: { source: client } }),
  passes('with IP options', { ip: { options: Uint8Array.of(1, 1, 0xf0, 1) } }),
  passes('a tagged frame', { ether: { source: web1, tags: [{ id: 7 }] } }),
  passes('a first fragment', { ip: { moreFragments: true } }),
  passes('a later fragment', { ip: { fragmentOffset: 100 } }),
  passes('IPv6 for another address', { ip6: { destination: '2001:db8:1:2:3:4:6:6' } }, 'turn-six'),
  passes('IPv6 from another address', { ip6: { source: '2001:db8::9' } }, 'turn-six'),
  passes(
    'IPv6 behind an extension header',
    {
      ip6: {},
      extensions: [{ kind: 'extension', number: 60, fields: { body: Uint8Array.of(0xf0, 0, 1, 0, 0, 0) } }],
    },
    'turn-six',
  ),
  passes('of 70 listeners, from nobody’s address', { ip: { source: client } }, 'turn-seventy'),
  passes('beside nat, another port', { tcp: { destination: 4_000 } }, 'turn-nat'),
  passes('the node has no address of the family', {}, 'turn-nowhere'),
  keeps('not-ip', 'no answer to a check: IPv6 where no listener has it', answerOf({ ip6: {} }), 'turn'),
  keeps(
    'other-host',
    'no answer to a check: a frame for another host',
    answerOf({ ether: { destination: back } }),
    'turn',
  ),
  keeps(
    'other-protocol',
    'no answer to a check: a datagram, of a file without UDP',
    answerOf({ udp: {} }),
    'turn',
  ),
  keeps('no-listener', 'no file with checks through a service address', answerOf({}), 'one'),
]
