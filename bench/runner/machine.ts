// The machine that a bench runs on, as far as figures depend on it.

import { execFileSync } from 'node:child_process'
import { cpus, release } from 'node:os'
import type { Machine } from './row.ts'

function git(...args: readonly string[]): string {
  try {
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return ''
  }
}

/** thisMachine: now. Outside a git checkout `commit` is "unknown". */
export function thisMachine(): Machine {
  const commit = git('rev-parse', '--short=12', 'HEAD')
  const changed = git('status', '--porcelain', '--untracked-files=no') !== ''
  const processors = cpus()
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cpus: processors.length,
    kernel: release(),
    node: process.versions.node,
    commit: commit === '' ? 'unknown' : `${commit}${changed ? '+' : ''}`,
    date: new Date().toISOString(),
  }
}
