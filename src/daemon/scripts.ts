// Scripts that checks run, as this machine has them: whoever writes one decides which servers get traffic. Asked for by
// `tenbin check`; at run time a script that cannot be started says nothing of its servers.

import type { SingleProbe } from '../config/check-spec.ts'
import type { DesiredState } from '../config/state.ts'
import { scriptFault } from '../health/script-fault.ts'
import type { Problem } from './api-schema.ts'
import { problem } from './problem.ts'

/** scriptProblems: one for each script that cannot be used, with the first service that has it. */
export function scriptProblems({ services }: Pick<DesiredState, 'services'>): Problem[] {
  const users = new Map<string, string>()
  for (const { name, check } of services) {
    if (check === 'none') continue
    const probes: readonly SingleProbe[] =
      'of' in check.probe ? check.probe.of.map(({ probe }) => probe) : [check.probe]
    for (const probe of probes) {
      const [file] = probe.kind === 'script' ? probe.command : []
      if (file !== undefined && !users.has(file)) users.set(file, name)
    }
  }
  return [...users].flatMap(([file, service]) => {
    const fault = scriptFault(file)
    return fault === undefined
      ? []
      : [problem('SCRIPT_UNUSABLE', `script ${file} of service ${service} ${fault}`)]
  })
}
