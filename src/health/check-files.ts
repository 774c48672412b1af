// The files that a check reads, and whether they are others than they were: a password that was changed, a certificate
// authority that was renewed, a user who was given another number counts from the next look on, without any order.

import { statSync } from 'node:fs'
import type { Probe, SingleProbe } from '../config/check-spec.ts'
import { USERS_FILE } from './user.ts'

/** filesOf: paths; none: what the check asks is all in the check. */
export const filesOf = (probe: Probe): readonly string[] =>
  'of' in probe ? probe.of.flatMap((part) => filesOfOne(part.probe)) : filesOfOne(probe)

function filesOfOne(probe: SingleProbe): string[] {
  const found: string[] = []
  if ('passwordFile' in probe && probe.passwordFile !== undefined) found.push(probe.passwordFile)
  const secure = probe.kind === 'tls' ? probe : 'tls' in probe ? probe.tls : undefined
  if (secure?.caFile !== undefined) found.push(secure.caFile)
  if (probe.kind === 'script' && !/^\d/.test(probe.user)) found.push(USERS_FILE)
  return found
}

/** stampOf: another one whenever one of the files was written, replaced, removed or put there. */
export const stampOf = (files: readonly string[]): string => files.map(stampOfOne).join(' ')

function stampOfOne(file: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true })
    return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}
