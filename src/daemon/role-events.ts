// What vrrp tells of roles, as events: how grave each is, and in which words. Its idea: who takes over from a node that has
// failed is a warning, what an operator or the file ordered is none; a finding that lets two nodes be active is an error. Pure.

import type { NewEvent, Severity } from '../events/event.ts'
import type { Finding, Incident } from '../vrrp/finding.ts'
import type { FindingTold, RoleChange } from '../vrrp/protocol.ts'

/** About: services whose addresses are in the set, and who has an address. */
export interface About {
  readonly services: readonly string[]
  readonly nameOf: (address: string) => string
}

const became = {
  active: 'this node is active',
  backup: 'this node is backup',
  initialize: 'this node has no role',
} as const

/** roleEvent: `role.changed`. */
export function roleEvent({ set, from, to, why, at }: RoleChange, { services }: About): NewEvent {
  return {
    ...{ kind: 'role.changed', severity: severityOf(to, why.name), set, services },
    text: `${set}: ${became[to]}: ${why.text}`,
    data: { from, to, why: why.name, since: at },
  }
}

function severityOf(to: RoleChange['to'], why: string): Severity {
  if (why === 'overslept' || why === 'silence') return 'warning'
  if (to === 'initialize') return why === 'maintenance' ? 'notice' : 'warning'
  return why === 'startup' ? 'info' : 'notice'
}

type Name = Finding['name']
/** INCIDENTS: what the machine found out itself; REMARKS: adverts that counted, and were odd. All else was refused. */
const INCIDENTS = {
  conflict: ['role.conflict', 'warning'],
  overslept: ['role.conflict', 'warning'],
  flapping: ['role.flapping', 'error'],
  'flapping-over': ['role.flapping', 'notice'],
  unheard: ['role.unheard', 'warning'],
  'heard-again': ['role.unheard', 'notice'],
} as const satisfies Record<Incident['name'], readonly [NewEvent['kind'], Severity]>
const REMARKS = {
  'interval-differs': 'warning',
  'vrid-clash': 'error',
  'addresses-differ': 'warning',
  'checksum-form': 'warning',
  'trailer-unexpected': 'warning',
  'two-owners': 'error',
} as const satisfies Partial<Record<Name, Severity>>
/** FATAL refusals: the other is no stranger's mistake: it will be active beside this node. */
const FATAL: ReadonlySet<string> = new Set<Name>([
  ...(['version-mismatch', 'vrid-mismatch', 'interval-mismatch', 'auth-mismatch', 'password'] as const),
  ...(['trailer-missing', 'trailer-key', 'trailer-mac', 'trailer-old-boot', 'own-address'] as const),
])

/** findingEvent: `role.conflict`, `role.flapping`, `role.unheard`, `vrrp.odd` or `vrrp.refused`. */
export function findingEvent(
  { set, router, name, text, from, left }: FindingTold,
  { services, nameOf }: About,
): NewEvent {
  const who = from === undefined ? '' : ` (${[...new Set([nameOf(from), from])].join(', ')})`
  const more = left === 0 ? '' : `; ${left} more like it were not told`
  const [kind, severity] = kindOf(name)
  // What nobody sent is of the whole set.
  const isWhole = from === undefined
  return {
    ...{ kind, severity, set, services },
    text: `${isWhole ? set : `${set}, ${router}`}: ${text}${who}${more}`,
    data: { name, ...(!isWhole && { router, from }), left },
  }
}

/** isRefusal: the advert counted nothing. */
export const isRefusal = (name: string): boolean => kindOf(name)[0] === 'vrrp.refused'

function kindOf(name: string): readonly [NewEvent['kind'], Severity] {
  if (Object.hasOwn(INCIDENTS, name)) return INCIDENTS[name as keyof typeof INCIDENTS]
  if (Object.hasOwn(REMARKS, name)) return ['vrrp.odd', REMARKS[name as keyof typeof REMARKS]]
  return ['vrrp.refused', FATAL.has(name) ? 'error' : 'warning']
}
