// What is remembered of each lab, in /run/tenbin-lab/: NAME.json (its state) and NAME/ (its files). The state is
// written before anything is made and removed after everything is gone, so whatever happens in between, the
// next command finds what there is to clean. A lab whose maker died before it was up, or whose namespaces a reboot took,
// is a leftover.

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { TenbinError } from '../base/errors.ts'
import { namespaceNames, namespacePath } from '../sys/named-namespace.ts'
import { identify, isAlive, type ProcessId } from './processes.ts'
import { namespacePrefix, type Topology } from './topology.ts'

/** LabProcess: a process that the lab started and that outlives the command. `node` is where its namespace is. */
export interface LabProcess extends ProcessId {
  readonly what: 'web servers' | 'tenbin'
  readonly node: string
}

/** LabState: everything remembered of a lab. `held`: it lives only as long as `owner` does. */
export interface LabState {
  readonly format: 1
  readonly phase: 'held' | 'up'
  readonly owner: ProcessId
  readonly createdAt: string
  readonly topology: Topology
  readonly processes: readonly LabProcess[]
}

export const LAB_DIR = '/run/tenbin-lab'
/** NSFS_MAGIC of linux/magic.h: what a live namespace's file is on. */
const NSFS_MAGIC = 0x6e736673

/** labDirectory: where a lab's own files are. */
export const labDirectory = (lab: string): string => join(LAB_DIR, lab)

/** claim remembers a new lab, held by this process. Undefined: a lab of this name is there. Call it locked. */
export function claim(topology: Topology): LabState | undefined {
  if (existsSync(statePath(topology.lab))) return undefined
  const owner = identify(process.pid)!
  const createdAt = new Date().toISOString()
  mkdirSync(labDirectory(topology.lab), { recursive: true, mode: 0o700 })
  return save({ format: 1, phase: 'held', owner, createdAt, topology, processes: [] })
}

/** save replaces what is remembered of a lab, in one step. */
export function save(state: LabState): LabState {
  const path = statePath(state.topology.lab)
  writeFileSync(`${path}.new`, `${JSON.stringify(state, null, 2)}\n`)
  renameSync(`${path}.new`, path)
  return state
}

/** forget removes the lab's files and then its state. */
export function forget(lab: string): void {
  rmSync(labDirectory(lab), { recursive: true, force: true })
  rmSync(statePath(lab), { force: true })
  try {
    rmdirSync(LAB_DIR)
  } catch {
    // Other labs are there.
  }
}

/** recall: the state of a lab, if there is one. Throws LAB_STATE_DAMAGED. */
export function recall(lab: string): LabState | undefined {
  let text: string
  try {
    text = readFileSync(statePath(lab), 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cause
  }
  try {
    const state = JSON.parse(text) as LabState
    if (state.format === 1 && state.topology.lab === lab) return state
  } catch {
    // Reported below, as any other content that is no state.
  }
  throw new TenbinError('LAB_STATE_DAMAGED', `read lab ${lab}`, { detail: `${statePath(lab)} is damaged` })
}

/** recallAll: the states of all labs, but for what is damaged. */
export const recallAll = (): LabState[] => labNames().flatMap((lab) => recallReadable(lab) ?? [])

/** recallReadable: the state of a lab, if there is one that can be read. */
export function recallReadable(lab: string): LabState | undefined {
  try {
    return recall(lab)
  } catch (error) {
    if (error instanceof TenbinError) return undefined
    throw error
  }
}

/** labNames: the names of all labs that are remembered, sorted. Throws NOT_PERMITTED: they are root's. */
export function labNames(): string[] {
  let entries: string[]
  try {
    entries = readdirSync(LAB_DIR)
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return []
    if (code !== 'EACCES') throw cause
    throw new TenbinError('NOT_PERMITTED', 'lab', { detail: message, cause })
  }
  return entries.flatMap((entry) => /^([a-z][a-z0-9]*)\.json$/.exec(entry)?.[1] ?? []).sort()
}

/** labNamespaces: the named namespaces that belong to a lab, live or not, whether or not its state is there. */
export const labNamespaces = (lab: string): string[] =>
  namespaceNames().filter((name) => name.startsWith(namespacePrefix(lab)))

/** isLeftover: nobody uses this lab any more: its maker died while it held it, or the switch is gone. */
export function isLeftover(state: LabState): boolean {
  if (state.phase === 'held') return !isAlive(state.owner)
  return !isNamespace(namespacePath(state.topology.switch.namespace))
}

function isNamespace(path: string): boolean {
  try {
    return statfsSync(path).type === NSFS_MAGIC
  } catch {
    return false
  }
}

const statePath = (lab: string): string => join(LAB_DIR, `${lab}.json`)
