// Whether lists of networks mean anybody whom services have: a list of a family that nobody listens on does nothing, and
// where only who is allowed is let in, a family without such a network is shut.

import { type Ip, isIp4 } from '../base/addresses.ts'
import type { Prefix } from '../base/prefix.ts'
import type { Listening } from './rule-sense.ts'
import type { DesiredState } from './state.ts'

type Family = 4 | 6
const FAMILIES: readonly Family[] = [4, 6]

const familiesOf = (all: readonly { readonly address: Ip }[]): readonly Family[] =>
  FAMILIES.filter((family) => all.some(({ address }) => isIp4(address) === (family === 4)))

/** listened: the families that services listen on; where that is not known, both. */
function listened(services: readonly Listening[] | undefined): readonly Family[] {
  if (!services || services.some(({ listeners }) => listeners.length === 0)) return FAMILIES
  return familiesOf(services.flatMap(({ listeners }) => listeners))
}

/** Nobody: why nobody at all would be let in, and a network for an example of who might be. */
interface Nobody {
  readonly why: string
  readonly example: string
}

/** nobodyOf these, where they alone are let in; undefined: somebody is. */
export function nobodyOf(
  allow: readonly Prefix[],
  services: readonly Listening[] | undefined,
): Nobody | undefined {
  const families = listened(services)
  if (familiesOf(allow).some((each) => families.includes(each))) return undefined
  const where = allow.length === 0 ? '' : ` of IPv${families.join(' or IPv')}, where services listen,`
  return {
    why: `nobody${where} is allowed, so everybody would be dropped`,
    example: families.includes(4) ? '203.0.113.0/24' : '2001:db8:7::/48',
  }
}

/** listWarnings of a state: lists that do nothing, and families that `only` shuts. */
export function listWarnings({ defence, services }: Pick<DesiredState, 'defence' | 'services'>): string[] {
  if (!defence) return []
  const families = listened(services)
  const idle = (['allow', 'deny'] as const).flatMap((name) => {
    const of = familiesOf(defence[name])
    return of.length === 0 || of.some((each) => families.includes(each))
      ? []
      : [`${name} has networks of IPv${of.join(' and IPv')} alone, and no service listens on that`]
  })
  return [...idle, ...(defence.only ? shutBy(defence.allow, services) : [])]
}

/** shutBy these, where they alone are let in: families of which nobody is. */
export const shutBy = (allow: readonly Prefix[], services: readonly Listening[]): string[] =>
  listened(services).flatMap((each) =>
    familiesOf(allow).includes(each)
      ? []
      : [`only lets in who is allowed, and that is nobody of IPv${each}: all of it is dropped`],
  )
