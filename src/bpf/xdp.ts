// An XDP program from functions: the first is what the kernel enters, the others are reached by calls. Building
// drops needless moves, allocates registers, lays the code out, lints it, assembles it and adds the debug information, so
// that the verifier's log and `bpftool prog dump xlated linum` show TypeScript. Pure: the loader takes it from here.

import { invariant } from '../base/errors.ts'
import { allocate } from './allocate.ts'
import { type Assembled, assemble, type FunctionCode } from './assemble.ts'
import { unassigned } from './assigned.ts'
import { BtfBuilder, debugInfo, mapBtf } from './btf.ts'
import { Builder, type Exits } from './builder.ts'
import type { Outcomes } from './exit-builder.ts'
import type { Callee } from './helper-builder.ts'
import { callees, layout } from './layout.ts'
import { lint } from './lint.ts'
import type { MapSpec, ProgramSpec } from './program.ts'
import { simplified } from './simplify.ts'
import type { AnyMap } from './types.ts'

/** BPF_F_XDP_HAS_FRAGS: without it drivers refuse the program at a large MTU (linux/bpf.h). */
export const BPF_F_XDP_HAS_FRAGS = 1 << 5

/** BuiltFunction: a function with machine registers in final order, and the maps it names. */
export interface BuiltFunction {
  readonly name: string
  readonly entry: FunctionCode['entry']
  readonly code: FunctionCode
  readonly maps: readonly AnyMap[]
  /** It moves the frame's start or end, or calls what does, and its caller may go on then. */
  readonly adjustsPacket: boolean
  /** What it calls. */
  readonly calls: readonly Callee[]
  /** What it is called with; absent: struct xdp_md alone. */
  readonly takes?: FunctionCode['takes']
}

/** Built: a program ready to load, and what listings need. */
export interface Built {
  readonly spec: ProgramSpec
  readonly assembled: Assembled
}

function build<C extends string>(
  name: string,
  exits: Exits<C> | undefined,
  body: (p: Builder<C>) => void,
): BuiltFunction {
  const p = new Builder<C>(name, exits)
  body(p)
  p.finish()
  const unset = unassigned(p.code)
  invariant(unset.length === 0, `function ${name}: ${unset.join('; ')}`)
  const items = layout(name, allocate(name, simplified(p.code)))
  const code = { name, entry: p.entry, items, takes: p.takes }
  const findings = lint(code)
  invariant(findings.length === 0, `function ${name}: ${findings.join('; ')}`)
  return {
    name,
    entry: p.entry,
    code,
    maps: [...p.maps.values()],
    adjustsPacket: p.adjustsPacket && !p.answersOutcome,
    calls: [...p.called],
    takes: p.takes,
  }
}

/** xdpFunction: a function (struct xdp_md *) -> verdict whose every way out is a counted outcome. */
export const xdpFunction = <C extends string>(
  name: string,
  exits: Exits<C>,
  body: (p: Builder<C>) => void,
): BuiltFunction => build(name, exits, body)

/** answeringFunction: a function that leaves by outcomes, which its caller counts (leaveAs), or lets it go on (resume). */
export const answeringFunction = <C extends string>(
  name: string,
  outcomes: Outcomes<C>,
  body: (p: Builder<C>) => void,
): BuiltFunction => build(name, { outcomes }, body)

/** plainFunction: a function that returns a value and counts nothing, for wrappers, probes and tests. */
export const plainFunction = (name: string, body: (p: Builder) => void): BuiltFunction =>
  build(name, undefined, body)

/** reached: a function and those that it calls, and they, each once. */
function reached(main: BuiltFunction, found = new Set<BuiltFunction>()): Set<BuiltFunction> {
  if (found.has(main)) return found
  found.add(main)
  for (const callee of main.calls) if ('code' in callee) reached(callee as BuiltFunction, found)
  return found
}

/**
 * program puts functions together: `main`, which is entered by the kernel, those that it calls, and `others`. Maps of
 * one name must be one map.
 */
export function program(
  name: string,
  main: BuiltFunction,
  others: readonly BuiltFunction[] = [],
  flags = BPF_F_XDP_HAS_FRAGS,
): Built {
  const functions = [...new Set([...reached(main), ...others])]
  const called = new Set(functions.flatMap(({ code }) => callees(code.items)))
  for (const other of others)
    invariant(
      called.has(other.entry),
      `program ${name}: nothing calls ${other.name}, which the verifier refuses`,
    )
  const assembled = assemble(functions.map(({ code }) => code))
  const maps = new Map<string, AnyMap>()
  for (const map of functions.flatMap((fn) => fn.maps)) {
    invariant(!maps.has(map.name) || maps.get(map.name) === map, `two maps are called ${map.name}`)
    maps.set(map.name, map)
  }
  const btf = new BtfBuilder()
  const specs = [...maps.values()].map((map) => ({
    map,
    types: map.is === 'objects' ? undefined : mapBtf(btf, map),
  }))
  const info = debugInfo(assembled, btf)
  const blob = btf.blob()
  const { code, relocations } = assembled
  return {
    spec: {
      name,
      code,
      relocations,
      maps: specs.map(({ map, types }) => ({ ...mapSpec(map), ...(types && { btf: { blob, ...types } }) })),
      flags,
      btf: { blob, ...info },
    },
    assembled,
  }
}

function mapSpec(map: AnyMap): MapSpec {
  const { name } = map
  switch (map.is) {
    case 'direct':
      return { name, type: 'array', keySize: 4, valueSize: map.type.size, maxEntries: 1, mmapable: true }
    case 'map': {
      const { kind: type, key, value, maxEntries } = map
      return { name, type, keySize: key.size, valueSize: value.size, maxEntries }
    }
    case 'objects': {
      const { kind: type, maxEntries } = map
      const size = type === 'ringbuf' ? 0 : 4
      return { name, type, keySize: size, valueSize: size, maxEntries }
    }
  }
}
