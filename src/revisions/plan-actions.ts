// What a change of the file would do, as a list that can be printed: what comes, what goes, what is changed, by the names
// of the file. Pure; made from two states alone. What it means for traffic is said by plan-moves.ts.

import type { DesiredState } from '../config/state.ts'
import { defencesOf, rulesOf } from './plan-defence.ts'
import { changeOf, type Fields, text } from './plan-words.ts'

/** Action: one line of a plan; `detail` says what of it, `a: 1 -> 2`. */
export interface Action {
  readonly kind: 'add' | 'remove' | 'change'
  /** `service`, `server`, `pool`, ... */
  readonly what: string
  readonly name: string
  readonly detail?: string
}

interface Section {
  readonly what: string
  readonly of: (state: DesiredState) => ReadonlyMap<string, unknown>
}

const byName = (
  what: string,
  of: (state: DesiredState) => readonly { readonly name: string }[],
): Section => ({
  what,
  of: (state) => new Map(of(state).map((each) => [each.name, each])),
})

/** sections, in the order in which a plan has them; those that are not here are told by their key in the file. */
const sections: readonly Section[] = [
  byName('node', ({ nodes }) => nodes),
  { what: 'interface', of: ({ interfaces }) => new Map(interfaces.map((each) => [each.role, each])) },
  byName('address set', ({ addressSets }) => addressSets),
  byName('server', ({ servers }) => servers),
  byName('pool', ({ pools }) => pools),
  byName('service', ({ services }) => services),
  { what: 'setting', of: ({ sysctls }) => new Map(sysctls.map((each) => [each.name, each])) },
  byName('notification', ({ notify }) => notify),
  { what: 'rule', of: rulesOf },
  { what: 'defence', of: defencesOf },
]
const known = new Set<string>([
  'nodes',
  'interfaces',
  'addressSets',
  'servers',
  'pools',
  'services',
  'sysctls',
  'notify',
  'defence',
])

/** actionsOf: what leads from one state to another; `before` absent: from nothing. */
export function actionsOf(before: DesiredState | undefined, after: DesiredState): Action[] {
  const listed = sections.flatMap(({ what, of }) => changes(what, before ? of(before) : new Map(), of(after)))
  const rest = before ? [...new Set([...Object.keys(before), ...Object.keys(after)])] : []
  const others = rest
    .filter((key) => !known.has(key))
    .flatMap((key): Action[] => {
      const [old, now] = [before, after].map((state) => (state as unknown as Fields)[key])
      if (text(old) === text(now)) return []
      return [{ kind: 'change', what: key, name: '', detail: changeOf(old, now) }]
    })
  return [...listed, ...others]
}

function changes(
  what: string,
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
): Action[] {
  const removed = [...before.keys()].flatMap((name): Action[] =>
    after.has(name) ? [] : [{ kind: 'remove', what, name }],
  )
  const others = [...after].flatMap(([name, now]): Action[] => {
    if (!before.has(name)) return [{ kind: 'add', what, name }]
    const old = before.get(name)
    if (text(old) === text(now)) return []
    return [{ kind: 'change', what, name, detail: changeOf(old, now) }]
  })
  return [...removed, ...others]
}
