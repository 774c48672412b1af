// Scripts that checks run, as this machine has them: there, what the kernel can run, and nobody's to change but root's, since whoever
// writes one decides which servers get traffic. Asked for by `tenbin check`; at run time a script that cannot be started
// says nothing of its servers.

import { statSync } from 'node:fs'
import type { SingleProbe } from '../config/check-spec.ts'
import type { DesiredState } from '../config/state.ts'
import { isProgram } from '../health/program.ts'
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
    const fault = faultOf(file)
    return fault === undefined
      ? []
      : [problem('SCRIPT_UNUSABLE', `script ${file} of service ${service} ${fault}`)]
  })
}

function faultOf(file: string): string | undefined {
  let stat: ReturnType<typeof statSync>
  try {
    stat = statSync(file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? 'is not there' : `cannot be looked at: ${code}`
  }
  if (!stat!.isFile()) return 'is no file'
  if ((stat!.mode & 0o111) === 0) return 'is not executable'
  if (stat!.uid !== 0) return 'is not owned by root'
  if ((stat!.mode & 0o022) !== 0) return 'can be written by others than root'
  return isProgram(file) ? undefined : 'begins neither with #! nor as a program'
}
