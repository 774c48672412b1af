// What this kernel can do, found out by doing it. Its idea: each feature has a small trial that leaves nothing behind,
// a tiny program or map or one refused call, and answers yes, or what is missing and what to do about it; versions
// and build options are never asked, but for the floor that the packet path is verified against.
// Left out: whether a driver has native XDP, which only attaching tells. Reference: linux/bpf.h.

import { release } from 'node:os'
import { TenbinError } from '../base/errors.ts'
import type { ProgramSpec } from '../bpf/program.ts'
import { isErrno } from '../sys/syscall.ts'
import { loadBtf } from './btf.ts'
import { possibleCpus } from './cpus.ts'
import { counting, handCode, returning } from './hand-code.ts'
import { XdpLink } from './link.ts'
import { BpfMap } from './map.ts'
import { loadProgram } from './program.ts'
import { testRun } from './test-run.ts'

/** FLOOR: the oldest kernel whose verifier is known to accept the packet path. */
export const FLOOR = '6.1'

/** Probe: the answer for one feature; `missing` is a sentence. */
export type Probe =
  | { readonly ok: true; readonly found: string }
  | { readonly ok: false; readonly missing: string; readonly remedy: string; readonly cause?: unknown }

/** Feature: what is probed. Only `jit` can be missing and tenbin still run, more slowly. */
export type Feature = keyof typeof trials

const XDP_PASS = 2
const LOOPBACK = 1
const BPF_F_XDP_HAS_FRAGS = 1 << 5
const HELPER_JIFFIES64 = 118
const KERNEL = `use Linux ${FLOOR} or later, built as distributions build it`

const PRIVILEGE = 'run it as root, with CAP_BPF and CAP_NET_ADMIN'

const pass = handCode(...returning(XDP_PASS))

const trial = (
  instructions: Buffer,
  { flags = 0, relocations = [] }: Partial<Pick<ProgramSpec, 'flags' | 'relocations'>> = {},
): ProgramSpec => ({ name: 'tenbin_probe', code: instructions, relocations, maps: [], flags })

function tryProgram(spec: ProgramSpec): undefined {
  loadProgram(spec).program[Symbol.dispose]()
}

function tryCpus(): undefined {
  possibleCpus()
}

/** Type 1 is a 32-bit int: header, one type, its name. Documentation/bpf/btf.rst. */
function smallestBtf(): Buffer {
  const words = [24, 0, 16, 16, 5, 1, 1 << 24, 4, (1 << 24) | 32]
  const blob = Buffer.alloc(4 + words.length * 4 + 5)
  blob.writeUInt32LE(0x1eb9f, 0)
  for (const [index, word] of words.entries()) blob.writeUInt32LE(word, 4 + index * 4)
  blob.write('int', blob.length - 4)
  return blob
}

function tryBtf(): undefined {
  loadBtf(smallestBtf())[Symbol.dispose]()
}

function tryMemory(): string | undefined {
  const name = 'tenbin_probe'
  using map = BpfMap.create({ name, type: 'array', keySize: 4, valueSize: 8, maxEntries: 1, mmapable: true })
  const words = new BigUint64Array(map.memory)
  words[0] = 41n
  const relocations = [{ insn: 0, kind: 'map-value', map: name, offset: 0 }] as const
  using program = loadProgram(
    trial(handCode(...counting(XDP_PASS)), { relocations }),
    new Map([[name, map]]),
  ).program
  testRun(program, { packet: Buffer.alloc(64) })
  return words[0] === 42n ? undefined : 'a program wrote to mapped memory and the write cannot be seen'
}

function tryJit(): string | undefined {
  using program = loadProgram(trial(pass)).program
  return program.info.jitedBytes > 0
    ? undefined
    : 'the kernel interprets BPF programs, which is many times slower'
}

/** The loopback's driver has no XDP: a kernel with XDP links gets as far as that, one without knows no such link. */
function tryLink(): string | undefined {
  using program = loadProgram(trial(pass)).program
  try {
    XdpLink.attach(program, { ifindex: LOOPBACK, name: 'lo' }, 'native')[Symbol.dispose]()
  } catch (error) {
    const known = isErrno(error, 'EOPNOTSUPP') || (error as TenbinError).code === 'XDP_OCCUPIED'
    if (!known) return 'the kernel has no links for XDP programs'
  }
  return undefined
}

function tryFloor(): string | undefined {
  return isAtLeast(release(), FLOOR) ? undefined : `this is Linux ${release()}, older than ${FLOOR}`
}

/** isAtLeast compares kernel releases ("6.1.0-18-amd64") by their first two numbers. */
export function isAtLeast(found: string, floor: string): boolean {
  const [major = 0, minor = 0] = found.split(/[^0-9]/, 2).map(Number)
  const [floorMajor = 0, floorMinor = 0] = floor.split('.').map(Number)
  return major > floorMajor || (major === floorMajor && minor >= floorMinor)
}

interface Trial {
  readonly what: string
  /** Throws, or answers what is missing. */
  readonly run: () => string | undefined
  readonly remedy: string
}

const trials = {
  kernel: { what: `Linux ${FLOOR} or later`, run: tryFloor, remedy: KERNEL },
  cpus: { what: 'the number of CPUs', run: tryCpus, remedy: 'mount sysfs at /sys' },
  xdp: { what: 'XDP programs', run: () => tryProgram(trial(pass)), remedy: KERNEL },
  frags: {
    what: 'XDP programs for frames of several pages',
    run: () => tryProgram(trial(pass, { flags: BPF_F_XDP_HAS_FRAGS })),
    remedy: KERNEL,
  },
  link: { what: 'links for XDP programs', run: tryLink, remedy: KERNEL },
  memory: { what: 'memory shared with programs', run: tryMemory, remedy: KERNEL },
  btf: { what: 'type information', run: tryBtf, remedy: KERNEL },
  jiffies: {
    what: 'the helper bpf_jiffies64',
    run: () => tryProgram(trial(handCode([0x85, 0, 0, HELPER_JIFFIES64], ...returning(XDP_PASS)))),
    remedy: KERNEL,
  },
  jit: { what: 'the JIT compiler', run: tryJit, remedy: 'switch it on: sysctl net.core.bpf_jit_enable=1' },
} as const satisfies Record<string, Trial>

/** features: all that can be probed, in the order in which to tell them. */
export const features = Object.keys(trials) as readonly Feature[]

/** probe tries one feature. Never throws for what the kernel answers. */
export function probe(feature: Feature): Probe {
  const { what, run, remedy }: Trial = trials[feature]
  try {
    const missing = run()
    return missing ? { ok: false, missing, remedy } : { ok: true, found: what }
  } catch (cause) {
    if (!(cause instanceof TenbinError)) throw cause
    const missing = `${what}: ${cause.message}`
    return { ok: false, missing, remedy: isErrno(cause, 'EPERM') ? PRIVILEGE : remedy, cause }
  }
}

/** probeAll: every feature. */
export const probeAll = (): Record<Feature, Probe> =>
  Object.fromEntries(features.map((feature) => [feature, probe(feature)])) as Record<Feature, Probe>

/** requireFeatures throws NOT_SUPPORTED for the first that is missing, NOT_PERMITTED where privilege is. */
export function requireFeatures(
  wanted: readonly Feature[] = features.filter((feature) => feature !== 'jit'),
): void {
  for (const feature of wanted) {
    const answer = probe(feature)
    if (answer.ok) continue
    const { cause, missing, remedy } = answer
    const code = isErrno(cause, 'EPERM') ? 'NOT_PERMITTED' : 'NOT_SUPPORTED'
    throw new TenbinError(code, 'look at the kernel', { cause, detail: `${missing}: ${remedy}` })
  }
}
