// Frames that are forwarded, in all their ordinary shapes, and what has to stay as it was in them.

import { parseMac } from '../../base/addresses.ts'
import { tcpFlag } from '../../wire/tcp.ts'
import { client, vip } from './fixture.ts'
import { forwards, type Vector } from './vector.ts'

const { ACK, FIN, PSH, RST, SYN } = tcpFlag
const synOptions = Uint8Array.of(2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7)
const bytes = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 7) & 0xff)

/** plainVectors: forwarded. */
export const plainVectors: readonly Vector[] = [
  forwards('a SYN', {}),
  forwards('a SYN with the options of Linux', { tcp: { options: synOptions, window: 64_240 } }),
  forwards('an ACK', { tcp: { flags: ACK, sequence: 1, acknowledgment: 1 } }),
  forwards('a request', { tcp: { flags: ACK | PSH }, payload: 'GET / HTTP/1.1\r\nHost: www\r\n\r\n' }),
  forwards('a FIN', { tcp: { flags: FIN | ACK } }),
  forwards('an RST', { tcp: { flags: RST } }),
  forwards('a full segment', { tcp: { flags: ACK }, payload: bytes(1_460) }),
  forwards('one byte of payload', { tcp: { flags: ACK }, payload: bytes(1) }),
  forwards('a SYN padded to the least Ethernet frame', { trailer: new Uint8Array(6) }),
  forwards('a trailer that is no padding', { payload: 'data', trailer: bytes(40) }),
  forwards('Don’t Fragment', { ip: { dontFragment: true } }),
  forwards('the reserved bit, which is no fragment', { ip: { reserved: true } }),
  forwards('an identification', { ip: { identification: 0xabcd, dontFragment: true } }),
  forwards('DSCP and ECN', { ip: { dscp: 46, ecn: 3 } }),
  forwards('a TCP checksum that is wrong is the server’s to judge', { tcp: { checksum: 0x1234 } }),
  forwards('a data offset below 5', { tcp: { dataOffset: 0 } }),
  forwards('a data offset beyond the packet', { tcp: { dataOffset: 15 } }),
  forwards('reserved bits of TCP', { tcp: { reserved: 15 } }),
  forwards('an urgent pointer', { tcp: { flags: ACK | tcpFlag.URG, urgent: 99 }, payload: bytes(100) }),
  forwards('source port 0', { tcp: { source: 0 } }),
  forwards('source port 65535', { tcp: { source: 65_535 } }),
  forwards('source port 80', { tcp: { source: 80 } }),
  forwards('source address 255.255.255.255', { ip: { source: '255.255.255.255' } }),
  forwards('source address 0.0.0.0', { ip: { source: '0.0.0.0' } }),
  forwards('source and destination alike, as in a LAND attack', { ip: { source: vip }, tcp: { source: 80 } }),
  forwards('window 0 and no options, as in the flood of 2016', { tcp: { flags: SYN, window: 0 } }),
  forwards('a source MAC that is a broadcast', { ether: { source: parseMac('ff:ff:ff:ff:ff:ff') } }),
  forwards('a source MAC that is our own', { ether: { source: parseMac('02:1b:3c:5d:7e:9f') } }),
  forwards('a source MAC of zeros', { ether: { source: parseMac('00:00:00:00:00:00') } }),
  forwards('3,000 bytes, which one page holds', { tcp: { flags: ACK }, payload: bytes(2_946) }),
  forwards('a jumbo shape and a small frame', {}, { fixture: 'jumbo' }),
  forwards('a jumbo shape and a full frame', { payload: bytes(1_460) }, { fixture: 'jumbo' }),
  forwards('a jumbo shape and 9,014 bytes', { payload: bytes(8_960) }, { fixture: 'jumbo' }),
  forwards('a client that is told by its address', { ip: { source: client } }, { fixture: 'tracked' }),
]
