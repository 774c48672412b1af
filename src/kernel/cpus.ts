// The CPUs that this machine can ever have, which is how many values a per-CPU map keeps and how many counter blocks
// a program needs. Reference: Documentation/admin-guide/cputopology.rst, cpulist format.

import { readFileSync } from 'node:fs'
import { TenbinError } from '../base/errors.ts'

const POSSIBLE = '/sys/devices/system/cpu/possible'

/** Cpus: `ids` is one more than the highest CPU number, `count` how many there can be (gaps make it smaller). */
export interface Cpus {
  readonly ids: number
  readonly count: number
}

/** parseCpus reads a list as the kernel writes it ("0-3,8"); undefined for anything else. */
export function parseCpus(list: string): Cpus | undefined {
  let ids = 0
  let count = 0
  for (const range of list.trim().split(',')) {
    const found = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(range)
    const [first, last] = [Number(found?.[1]), Number(found?.[2] ?? found?.[1])]
    if (!found || first < ids || last < first) return undefined
    ids = last + 1
    count += ids - first
  }
  return { ids, count }
}

/** possibleCpus of this machine. Throws NOT_SUPPORTED where /sys does not say. */
export function possibleCpus(path = POSSIBLE): Cpus {
  let list: string
  try {
    list = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new TenbinError('NOT_SUPPORTED', 'count CPUs', {
      cause,
      detail: `${path} is missing: is /sys mounted?`,
    })
  }
  const cpus = parseCpus(list)
  if (!cpus) throw new TenbinError('NOT_SUPPORTED', 'count CPUs', { detail: `${path} is no list of CPUs` })
  return cpus
}
