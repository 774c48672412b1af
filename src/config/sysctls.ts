// The file's kernel settings: which they are (sysctl-names.ts), of which NICs, and with values that they may have.

import { didYouMean } from '../base/nearest.ts'
import { describe } from './check-shape.ts'
import type { Findings } from './findings.ts'
import type { Merged } from './merge.ts'
import { keyOf } from './source.ts'
import { type DesiredState, nicOf, type SysctlState } from './state.ts'
import { SYSCTL, settingsOf } from './sysctl-names.ts'

/** resolveSysctls: the file's settings, those that set others first (ip_forward), as `ofNode` stands first. */
export function resolveSysctls(
  merged: Merged,
  interfaces: DesiredState['interfaces'],
  findings: Findings,
): SysctlState[] {
  const nics = new Set(
    interfaces.flatMap(({ nic }) => (typeof nic === 'string' ? [nic] : Object.values(nic))),
  )
  const known = new Map(settingsOf([...nics]).map((setting) => [setting.name, setting]))
  const found = new Map<string, SysctlState>()
  // a NIC that could not be read may be the one
  const isWhole = !merged.incomplete.has('interfaces') && merged.interfaces.every(({ value }) => value)
  for (const { name, value, place } of merged.sysctls) {
    const setting = known.get(name)
    if (!setting) {
      if (isWhole || !new RegExp(`^${SYSCTL}$`).test(name))
        findings.add(keyOf(place), unknown(name, [...known.keys()]))
      continue
    }
    if (value === undefined) continue
    const { values, nic } = setting
    const isRange = 'least' in values
    if (isRange ? value < values.least || value > values.most : !values.includes(value)) {
      const taken = isRange ? `${values.least} to ${values.most}` : values.join(', ')
      findings.add(place, `${name} takes ${taken}, not ${value}`)
    } else found.set(name, { name, value, ...(nic !== undefined && { nic }) })
  }
  return [...known.keys()].flatMap((name) => found.get(name) ?? [])
}

function unknown(name: string, known: readonly string[]): string {
  const meant = didYouMean(name, known)
  const nic = /^net\.ipv[46]\.conf\.([^.]+)\./.exec(name)?.[1]
  if (meant !== '' || nic === undefined || nic === 'all')
    return `${describe(name)} is no setting that tenbin makes${meant || `: these are ${known.slice(0, 4).join(', ')} and others, see the example`}`
  return `${describe(name)}: ${describe(nic.replaceAll('/', '.'))} is no NIC of interfaces, or this is no setting that tenbin makes`
}

/** sysctlsOf a node: those of the node itself, and of NICs that play a role on it. */
export const sysctlsOf = (state: DesiredState, node: string): readonly SysctlState[] => {
  const nics = new Set(state.interfaces.map(({ role }) => nicOf(state, role, node)))
  return state.sysctls.filter(({ nic }) => nic === undefined || nics.has(nic))
}
