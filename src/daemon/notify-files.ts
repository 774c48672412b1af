// Scripts and secrets of `notify:`, as this machine has them: asked for by `tenbin check`, so that what would fail at night
// is found by day.

import { statSync } from 'node:fs'
import { TenbinError } from '../base/errors.ts'
import type { NotifyTarget, SecretSource } from '../config/notify-spec.ts'
import type { DesiredState } from '../config/state.ts'
import { scriptFault } from '../health/script-fault.ts'
import { lookUpUser } from '../health/user.ts'
import type { Problem } from './api-schema.ts'
import { problem } from './problem.ts'

/** notifyProblems: one for each script, user and file that cannot be used. */
export const notifyProblems = ({ notify }: Pick<DesiredState, 'notify'>): Problem[] =>
  notify.flatMap((target) => [...scriptProblems(target), ...secretProblems(target)])

function scriptProblems({ name, how }: NotifyTarget): Problem[] {
  if (how.kind !== 'script') return []
  const [file] = how.command
  const fault = scriptFault(file)
  return [
    ...(fault === undefined ? [] : [problem('SCRIPT_UNUSABLE', `script ${file} of notify ${name} ${fault}`)]),
    ...userProblems(how.user, name),
  ]
}

function userProblems(user: string, name: string): Problem[] {
  try {
    lookUpUser(user)
    return []
  } catch (error) {
    if (!(error instanceof TenbinError)) throw error
    return [problem('SCRIPT_UNUSABLE', `script of notify ${name}: ${error.detail ?? error.message}`)]
  }
}

function secretProblems({ name, how }: NotifyTarget): Problem[] {
  if (how.kind === 'script') return []
  const source: SecretSource | undefined = how.kind === 'mail' ? how.login?.password : how.secret
  const secret = source && 'file' in source ? source.file : undefined
  return [
    ...(secret === undefined ? [] : fileProblems(secret, name, true)),
    ...(how.caFile === undefined ? [] : fileProblems(how.caFile, name, false)),
  ]
}

function fileProblems(file: string, name: string, isSecret: boolean): Problem[] {
  const stat = statSync(file, { throwIfNoEntry: false })
  const fault = !stat?.isFile()
    ? 'is not there, or is no file'
    : isSecret && (stat.mode & 0o077) !== 0
      ? 'can be read by others than its owner'
      : undefined
  return fault === undefined ? [] : [problem('SECRET_UNUSABLE', `${file} of notify ${name} ${fault}`)]
}
