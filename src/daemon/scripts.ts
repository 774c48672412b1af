// Scripts that checks run, as this machine has them: whoever writes one decides which servers get traffic. Asked for by
// `tenbin check`; at run time a script that cannot be started says nothing of its servers.

import { TenbinError } from '../base/errors.ts'
import type { SingleProbe } from '../config/check-spec.ts'
import type { Check } from '../config/checks.ts'
import { placeOf } from '../config/probe-places.ts'
import type { DesiredState } from '../config/state.ts'
import { scriptFault } from '../health/script-fault.ts'
import { lookUpUser } from '../health/user.ts'
import type { Problem } from './api-schema.ts'
import { problem } from './problem.ts'

type ScriptProbe = Extract<SingleProbe, { readonly kind: 'script' }>

/** scriptProblems: one for each script and user that cannot be used, with the first service that has it, and where. */
export function scriptProblems({ services, pools }: Pick<DesiredState, 'services' | 'pools'>): Problem[] {
  const users = new Map<string, { service: string; probe: ScriptProbe }>()
  for (const { name: service, check, pool } of services) {
    const sorry = pools.find((each) => each.name === pool)?.sorry?.check ?? 'none'
    for (const probe of [...scriptsOf(check), ...scriptsOf(sorry)]) {
      const key = JSON.stringify([probe.command[0], probe.user])
      if (!users.has(key)) users.set(key, { service, probe })
    }
  }
  return [...users.values()].flatMap(({ service, probe }) => {
    const [file = ''] = probe.command
    const fault = faultOf(file, probe.user)
    return fault === undefined
      ? []
      : [
          {
            ...problem('SCRIPT_UNUSABLE', `script ${file} of service ${service} ${fault}`),
            ...placeOf(probe),
          },
        ]
  })
}

function scriptsOf(check: Check): ScriptProbe[] {
  if (check === 'none') return []
  const probes = 'of' in check.probe ? check.probe.of.map(({ probe }) => probe) : [check.probe]
  return probes.flatMap((probe) => (probe.kind === 'script' ? [probe] : []))
}

function faultOf(file: string, user: string): string | undefined {
  try {
    return scriptFault(file, { user, ...lookUpUser(user) })
  } catch (error) {
    if (!(error instanceof TenbinError)) throw error
    return `has no user: ${error.detail ?? error.message}`
  }
}
