// Frames to virtual router MACs (RFC 9568 7.3) are the node's while it is active for the virtual router.

import type { Mac } from '../../base/addresses.ts'
import { own, vip6 } from './fixture.ts'
import type { FixtureName } from './fixtures.ts'
import { forwards, keeps, type Parts, type Vector } from './vector.ts'

const to = (destination: string): Parts => ({ ether: { destination: destination as Mac } })
const six = (parts: Parts): Parts => ({ ...parts, ip6: { destination: vip6 } })

const active: readonly string[] = ['00:00:5e:00:01:33', '00:00:5e:00:01:ff', '00:00:5e:00:02:01']
const others: Readonly<Record<string, string>> = {
  'for which the node is backup': '00:00:5e:00:01:34',
  'whose word is another interface’s': '00:00:5e:00:01:35',
  'of the same VRID and the other family': '00:00:5e:00:02:33',
  'of the other family, for which the node is backup': '00:00:5e:00:02:34',
  'that the file does not have': '00:00:5e:00:01:36',
  'of VRID 0': '00:00:5e:00:01:00',
  'of a family that is none': '00:00:5e:00:03:33',
  'with its last octets exchanged': '00:00:5e:00:33:01',
  'of 802 in its first half alone': '00:00:5f:00:01:33',
}

const of = (fixture: FixtureName, name: (text: string) => string): readonly Vector[] => [
  ...active.map((mac) => forwards(name(`to ${mac}, active`), to(mac), { fixture })),
  ...Object.entries(others).map(([what, mac]) =>
    keeps('other-host', name(`to a virtual MAC ${what}`), to(mac), fixture),
  ),
  forwards(name('to our own MAC'), to(own), { fixture }),
  // no other way into the node is wider for it
  keeps('other-protocol', name('GRE to an active one'), { ...to(active[0]!), ip: { protocol: 47 } }, fixture),
  keeps(
    'no-listener',
    name('another port, to an active one'),
    { ...to(active[0]!), tcp: { destination: 81 } },
    fixture,
  ),
  forwards(
    name('a tag, to an active one'),
    {
      ...to(active[0]!),
      ether: { ...to(active[0]!).ether, tags: [{ id: 7 }] },
    },
    { fixture },
  ),
  keeps(
    'other-host',
    name('a tag, to an inactive one'),
    {
      ether: { destination: '00:00:5e:00:01:34' as Mac, tags: [{ id: 7 }] },
    },
    fixture,
  ),
]

/** virtualVectors. */
export const virtualVectors: readonly Vector[] = [
  ...of('virtual', (text) => `virtual MACs: ${text}`),
  ...of('virtual-both', (text) => `virtual MACs, both families: ${text}`),
  ...active.map((mac) =>
    forwards(`virtual MACs, IPv6: to ${mac}, active`, six(to(mac)), { fixture: 'virtual-both', service: 1 }),
  ),
  ...Object.entries(others).map(([what, mac]) =>
    keeps('other-host', `virtual MACs, IPv6: to one ${what}`, six(to(mac)), 'virtual-both'),
  ),
  ...active.map((mac) =>
    keeps('other-host', `virtual MACs: to ${mac}, another interface’s`, to(mac), 'virtual-elsewhere'),
  ),
]
