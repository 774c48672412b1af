// From which addresses of its own a node looks at servers through service addresses: those of its NICs that forward, and
// never a service address, which another node may hold at any time. Pure.

import { isIp4 } from '../base/addresses.ts'
import { addressesOf, type DesiredState } from '../config/state.ts'
import type { EngineSpec } from '../engine/engine.ts'
import type { InterfaceAddress } from '../netlink/addresses.ts'
import type { Link } from '../netlink/links.ts'

/** looksThrough: whether some check of a file goes through a service address. */
export const looksThrough = ({ services }: Pick<DesiredState, 'services'>): boolean =>
  services.some(({ check }) => check !== 'none' && check.via === 'service')

/** turnOf: what an engine is to know of it; undefined: no check goes that way. */
export function turnOf(
  desired: DesiredState,
  links: readonly Pick<Link, 'index' | 'name'>[],
  addresses: readonly InterfaceAddress[],
): EngineSpec['turn'] {
  if (!looksThrough(desired)) return undefined
  const service = new Set(
    desired.addressSets.flatMap((set) => addressesOf(set).map(({ address }) => address)),
  )
  const own = links.flatMap(({ index, name }) =>
    addresses
      .filter((each) => each.ifindex === index && !service.has(each.address) && isLasting(each))
      .map(({ address, prefix }) => ({ on: name, address, prefix })),
  )
  return { addresses: own }
}

/** isLasting: no link-local address, no temporary one, none that may yet turn out to be another's. */
const isLasting = ({ address, isSecondary, isTentative, isDuplicate }: InterfaceAddress): boolean =>
  isIp4(address) || !(address >> 118n === 0x3fan || isSecondary || isTentative || isDuplicate)

/** turnChanges: what is no longer as it was applied, in sentences. */
export const turnChanges = (before: EngineSpec['turn'], now: EngineSpec['turn']): string[] =>
  textOf(before) === textOf(now) ? [] : ['the node’s own addresses have changed']

const textOf = (turn: EngineSpec['turn']): string =>
  (turn?.addresses ?? []).map(({ on, address, prefix }) => `${on} ${address}/${prefix}`).join()
