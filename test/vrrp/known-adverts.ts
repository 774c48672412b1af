// Adverts that keepalived 2.2.7 (Debian 12) put on a link, byte for byte, and what they say; and one in the form of RFC
// 9568, worked out by hand. Whoever changes codec or checksum on both sides at once is told by these.

import { deepStrictEqual } from 'node:assert'
import { parseIp } from '../../src/base/addresses.ts'
import { decodeVrrp, encodeVrrp, type Vrrp } from '../../src/wire/vrrp.ts'
import type { Ends, VrrpChecksum } from '../../src/wire/vrrp-checksum.ts'

/** Known: `form` undefined where there is but one. */
export interface Known {
  readonly name: string
  readonly hex: string
  readonly ends: Ends
  readonly advert: Vrrp
  readonly form: VrrpChecksum | undefined
}

const between = (source: string, destination: string): Ends => ({
  source: parseIp(source),
  destination: parseIp(destination),
})
const group = between('192.0.2.1', '224.0.0.18')
const three: Vrrp = {
  version: 3,
  vrid: 51,
  priority: 200,
  maxAdverCs: 10,
  addresses: [parseIp('192.0.2.100')],
}

export const knownAdverts: readonly Known[] = [
  {
    name: 'version 3 over IPv4',
    hex: '3133c801000aa1cbc0000264',
    ends: group,
    advert: three,
    form: 'rfc5798',
  },
  {
    name: 'version 3 over IPv4, leaving',
    hex: '31330001000a69ccc0000264',
    ends: group,
    advert: { ...three, priority: 0 },
    form: 'rfc5798',
  },
  {
    name: 'version 3 over IPv4, without pseudo-header',
    // 3133+c801+000a+c000+0264 = 1bba2, folded bba3, inverted 445c
    hex: '3133c801000a445cc0000264',
    ends: group,
    advert: three,
    form: 'rfc9568',
  },
  {
    name: 'version 3 over IPv4 to a peer',
    hex: '3137c801000abfd3c0000268',
    ends: between('192.0.2.1', '192.0.2.2'),
    advert: { ...three, vrid: 55, addresses: [parseIp('192.0.2.104')] },
    form: 'rfc5798',
  },
  {
    name: 'version 3 over IPv6',
    hex: '3134c802000adf6efe80000000000000000000000000010020010db8000000000000000000000100',
    ends: between('fe80::c855:95ff:fe4d:9e44', 'ff02::12'),
    advert: { ...three, vrid: 52, addresses: [parseIp('fe80::100'), parseIp('2001:db8::100')] },
    form: undefined,
  },
  {
    name: 'version 2 with a password',
    hex: '2135c802010154aec0000265c00002667365637265740000',
    ends: group,
    advert: {
      version: 2,
      vrid: 53,
      priority: 200,
      adverS: 1,
      auth: { type: 1, data: Uint8Array.from([0x73, 0x65, 0x63, 0x72, 0x65, 0x74, 0, 0]) },
      addresses: [parseIp('192.0.2.101'), parseIp('192.0.2.102')],
    },
    form: undefined,
  },
  {
    name: 'version 2',
    hex: '2136c8010001545fc00002670000000000000000',
    ends: group,
    advert: {
      version: 2,
      vrid: 54,
      priority: 200,
      adverS: 1,
      auth: { type: 0 },
      addresses: [parseIp('192.0.2.103')],
    },
    form: undefined,
  },
]

/** assertKnown: the bytes are read as what they say, and what they say is written as these bytes. */
export function assertKnown({ name, hex, ends, advert, form }: Known): void {
  const bytes = Uint8Array.from(Buffer.from(hex, 'hex'))
  deepStrictEqual(decodeVrrp(bytes, ends), { kind: 'advert', advert, form, trailer: new Uint8Array(0) }, name)
  const forms: readonly VrrpChecksum[] = form === undefined ? ['rfc5798', 'rfc9568'] : [form]
  for (const each of forms)
    deepStrictEqual(Buffer.from(encodeVrrp(advert, ends, each)).toString('hex'), hex, name)
}
