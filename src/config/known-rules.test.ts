import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLIENT_SHAPES } from '../../test/scenario/support/client-shapes.ts'
import { matchesRule } from '../dataplane/rule.ts'
import { attackFrame } from '../lab/attack-shape.ts'
import { ether, ipv4, ipv6, packet, tcp } from '../wire/packet.ts'
import { tcpFlag } from '../wire/tcp.ts'
import { knownRules } from './known-rules.ts'

const target = { port: 80, from: '02:00:00:00:00:01' }

test('rules that ship match no SYN of any client, of either family, nor a RST or an ACK without options', () => {
  for (const [name, { match }] of knownRules)
    for (const { name: client, window, options, ttl, dontFragment } of CLIENT_SHAPES) {
      const segment = tcp({ destination: 80, flags: tcpFlag.SYN, window, options: Uint8Array.from(options) })
      const frames = [
        packet(ether(), ipv4({ ttl, dontFragment }), segment),
        packet(ether(), ipv6({ hopLimit: ttl }), segment),
        ...[tcpFlag.RST, tcpFlag.ACK, tcpFlag.FIN | tcpFlag.ACK, tcpFlag.SYN | tcpFlag.ACK].map((flags) =>
          packet(ether(), ipv4({ ttl }), tcp({ destination: 80, flags, window: 0 })),
        ),
      ]
      for (const frame of frames) assert.equal(matchesRule(match, frame), false, `${name}: ${client}`)
    }
})

test('a SYN with window 0 and no options is bare-syn, whichever family it is of', () => {
  const { match } = knownRules.get('bare-syn')!
  for (const address of ['192.0.2.1', '2001:db8::1']) {
    const bare = attackFrame({ flood: 'syn', window: 0, noOptions: true }, { address, ...target })
    assert.equal(matchesRule(match, bare.frame), true, address)
    for (const shape of [
      { flood: 'syn', window: 1, noOptions: true },
      { flood: 'syn', window: 0 },
      { flood: 'ack', window: 0 },
      { flood: 'udp' },
    ] as const)
      assert.equal(matchesRule(match, attackFrame(shape, { address, ...target }).frame), false, address)
  }
})
