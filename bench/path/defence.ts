// What a packet costs that is dropped by a rule, or by the limit of its source, and what an established one costs that is
// forwarded while networks are listed: the whole way through the packet path.

import { type Ip4, parseMac } from '../../src/base/addresses.ts'
import { knownRules } from '../../src/config/known-rules.ts'
import {
  type DefenceShape,
  type DefenceTables,
  NO_DEFENCE_TABLES,
} from '../../src/dataplane/defence-shape.ts'
import { packetPath } from '../../src/dataplane/packet-path.ts'
import type { Shape } from '../../src/dataplane/shape.ts'
import { ether, ipv4, packet, tcp } from '../../src/wire/packet.ts'
import { tcpFlag } from '../../src/wire/tcp.ts'
import type { Row } from '../runner/row.ts'
import { type Effort, fixture } from './cost.ts'
import { type FreshSubject, freshRows } from './fresh.ts'

const [XDP_DROP, XDP_TX] = [1, 3]
const LISTS = { lists: { entries: 8 }, ceilings: false } as const
const { match } = knownRules.get('bare-syn')!

/** networks: so many of 28 bits, spread over addresses that none of the bench's sources has. */
const networks = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ address: ((0xc000_0000 + i * 16) >>> 0) as Ip4, length: 28 }))

/** DEFENCES, and what is asked of each. A limit lets one SYN a second through of each source, of which there are few. */
const DEFENCES: readonly {
  readonly name: string
  readonly shape: DefenceShape
  readonly tables?: Partial<DefenceTables>
  readonly asked: Pick<FreshSubject, 'most' | 'sources'>
  /** Segments that are sent; absent: SYNs that are dropped. */
  readonly flags?: number
}[] = [
  {
    name: 'rule-drop',
    shape: { ...LISTS, rules: [{ match, action: 'drop', record: false }] },
    asked: {},
  },
  {
    name: 'limit-drop',
    shape: {
      ...LISTS,
      rules: [],
      sources: { prefix: 32, prefix6: 64, new: true, udp: false, ban: false, entries: 65_536 },
    },
    tables: { sources: { newPerS: 1, udpPerS: 0, banS: 0 } },
    asked: { sources: 64, most: 0.01 },
  },
  ...([0, 1, 100_000] as const).map((count) => ({
    name: `listed-${count}`,
    shape: { rules: [], lists: { entries: 2 ** 17 }, ceilings: false },
    tables: { deny: networks(count) },
    asked: { sources: 4_096, most: 0.01 },
    flags: tcpFlag.ACK,
  })),
]

/** defenceRows: own cost in ns. */
export const defenceRows = (effort: Effort): Row[] =>
  DEFENCES.flatMap(({ name, shape: defence, tables: said, asked, flags = tcpFlag.SYN }) => {
    const { shape, tables } = fixture(1, 1)
    return freshRows(
      { ...shape, defence },
      { ...tables, defence: { ...NO_DEFENCE_TABLES, services: [{ ceiling: 0, proof: 'off' }], ...said } },
      (whole, memory) => [
        {
          name,
          subject: packetPath(whole, memory),
          frame: frameOf(whole, flags),
          answer: flags === tcpFlag.SYN ? XDP_DROP : XDP_TX,
          ...asked,
        },
      ],
      effort,
    )
  })

/** frameOf a flood: a SYN with window 0 and no options; or another segment like it. */
const frameOf = ({ mac, listeners }: Shape, flags: number): Uint8Array =>
  packet(
    ether({ destination: mac, source: parseMac('02:00:00:00:00:fe') }),
    ipv4({ source: '198.51.100.7', destination: listeners[0]!.address as Ip4 }),
    tcp({ source: 40_000, destination: listeners[0]!.port, flags, window: 0 }),
  )
