// Whether the packet path's memory fits a machine. While a changed file is put in, the old generation of maps and the
// new one are both there; the tables of flows and answers, the recorder and what is known of sources are there once, and twice only while their size is changed. What this instance
// holds already counts as free, because it is what the new one takes the place of.

import { TenbinError } from '../base/errors.ts'
import type { Problem } from './api-schema.ts'
import type { MapSize } from './preview.ts'
import { problem } from './problem.ts'

/** MachineMemory: bytes, and possible CPUs, each of which has counters of its own. */
export interface MachineMemory {
  readonly cpus: number
  /** MemTotal and MemAvailable of /proc/meminfo. */
  readonly total: number
  readonly available: number
  /** What this instance's maps take now; undefined: this process may not see them. */
  readonly held: readonly MapSize[] | undefined
}

const FLOWS = ['flows', 'answers']
/** DEFENCE: of defence, maps that stay as they are while their size does. */
const DEFENCE = ['recorder', 'proven', 'sources', 'banned', 'known']
const sum = (maps: readonly MapSize[]): number => maps.reduce((total, { bytes }) => total + bytes, 0)
const sumOf = (names: readonly string[], maps: readonly MapSize[]): number =>
  sum(maps.filter(({ name }) => names.includes(name)))
/** before: bytes of the maps that are there beside the new ones, because these are of another size. */
const before = (names: readonly string[], maps: readonly MapSize[], held: readonly MapSize[]): number =>
  sumOf(names, held) === sumOf(names, maps) ? 0 : sumOf(names, held)

/** memoryShortage: why maps of these sizes do not fit; nothing where they do. */
export function memoryShortage(maps: readonly MapSize[], machine: MachineMemory): Problem[] {
  const flows = sumOf(FLOWS, maps)
  const defence = sumOf(DEFENCE, maps)
  const generation = sum(maps) - flows - defence
  const held = machine.held ?? []
  const oldFlows = before(FLOWS, maps, held)
  const oldDefence = before(DEFENCE, maps, held)
  const need = 2 * generation + flows + oldFlows + defence + oldDefence
  // Who may not see what is held can only say what no machine of this size has.
  const free = machine.held ? machine.available + sum(held) : machine.total
  if (need <= free) return []
  const parts = [
    `twice ${mebibytes(generation)} while a file is put in`,
    ...(flows > 0 ? [`${mebibytes(flows)} for flows`] : []),
    ...(defence > 0 ? [`${mebibytes(defence)} for the recorder and sources`] : []),
    ...(oldDefence > 0 ? [`${mebibytes(oldDefence)} for those of before`] : []),
    ...(oldFlows > 0 ? [`${mebibytes(oldFlows)} for the flow table of before`] : []),
  ]
  const has = machine.held ? 'this machine has free' : 'this machine has'
  const text = `the packet path needs ${mebibytes(need)} (${parts.join(', ')}), ${has} ${mebibytes(free)}`
  return [problem('MEMORY_SHORT', text)]
}

/** requireMemory throws MEMORY_SHORT where they do not fit. */
export function requireMemory(maps: readonly MapSize[], machine: MachineMemory): void {
  const [shortage] = memoryShortage(maps, machine)
  if (shortage) throw new TenbinError('MEMORY_SHORT', 'apply', { detail: shortage.message })
}

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20).toLocaleString('en-US')} MiB`

/** meminfo reads /proc/meminfo: bytes of MemTotal and MemAvailable. */
export function meminfo(text: string): { readonly total: number; readonly available: number } {
  const of = (name: string) => 1024 * Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0)
  return { total: of('MemTotal'), available: of('MemAvailable') }
}
