// Shapes of interfaces on which virtual routers have MACs of their own, the node active for some of them.

import { virtualMacOf } from '../virtual-mac.ts'
import { type Fixture, fixture, listener, vip, vip6 } from './fixture.ts'

const IFINDEX = 5
const of = (family: 4 | 6, vrid: number, ifindex = IFINDEX) => virtualMacOf({ ifindex, family, vrid })

/** Another interface's virtual router, which has the same word. */
const elsewhere = of(4, 53, IFINDEX + 16)
/** 51 active; 52 not; 53 not, but whoever shares its word; the highest and the lowest VRID active. */
const virtual = [of(4, 51), of(4, 52), of(4, 53), of(4, 255), of(6, 51), of(6, 52), of(6, 1)]
const active = [of(4, 51), elsewhere, of(4, 255), of(6, 1)]

/** fixturesVirtual by name. */
export const fixturesVirtual = {
  virtual: fixture({ virtual, active }),
  'virtual-both': fixture({ listeners: [listener(vip, 80), listener(vip6, 80, 1)], virtual, active }),
  /** No virtual router here, but on another interface of the node. */
  'virtual-elsewhere': fixture({ virtual: [], active }),
} satisfies Record<string, Fixture>
