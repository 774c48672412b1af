// Programs. Its idea: a ProgramSpec, plain data of src/bpf, gets its maps filled in and goes to the verifier; nothing
// is logged while all is well, and a refusal asks again for the log, in as large a buffer as it takes. Loaded, it is
// an owned descriptor that can tell what it is. Left out: program types other than XDP, offload, signatures.
// Reference: BPF_PROG_LOAD and struct bpf_prog_info in linux/bpf.h, kernel/bpf/syscall.c, kernel/bpf/verifier.c.

import { performance } from 'node:perf_hooks'
import { invariant, TenbinError } from '../base/errors.ts'
import type { ProgramSpec } from '../bpf/program.ts'
import { errnoNumber } from '../sys/errno.ts'
import { Fd } from '../sys/fd.ts'
import { Attr, attempt, cText, objectInfo, refusal, textAt } from './bpf.ts'
import { loadBtf } from './btf.ts'
import type { BpfMap } from './map.ts'
import { expectKind } from './object-kind.ts'
import { VerifierError } from './verifier-error.ts'

/** BPF_F_ANY_ALIGNMENT: a kernel without JIT checks alignment strictly unless told not to (linux/bpf.h). */
export const BPF_F_ANY_ALIGNMENT = 1 << 1

const BPF_PROG_TYPE_XDP = 6
const BPF_XDP = 37
const LICENSE = cText('Dual MIT/GPL')
const SLOT = 8
const LD_IMM64 = 0x18
/** BPF_PSEUDO_MAP_FD and BPF_PSEUDO_MAP_VALUE, the source register of a 64-bit load. */
const pseudo = { 'map-fd': 1, 'map-value': 2 } as const
const FUNC_RECORD_BYTES = 8
const LINE_RECORD_BYTES = 16
const LOG_BYTES = [1 << 20, 1 << 24, 1 << 28]
/** The kernel answers EAGAIN when a signal comes while it verifies. */
const TRIES = 10
const INFO_BYTES = 232

/** ProgramInfo: what the kernel says of a program. */
export interface ProgramInfo {
  readonly id: number
  readonly name: string
  /** SHA of the instructions, 16 hex digits, the same wherever the same instructions are loaded. */
  readonly tag: string
  /** enum bpf_prog_type: 6 is XDP. */
  readonly type: number
  /** After verification, in slots of 8 bytes. */
  readonly instructions: number
  /** Machine code; 0 where the kernel interprets. */
  readonly jitedBytes: number
  /** Instructions that the verifier walked, over all paths. */
  readonly verifiedInstructions: number
  readonly mapIds: readonly number[]
}

/** Loaded: a new program, owned by the caller, and the milliseconds that loading took. */
export interface Loaded {
  readonly program: BpfProgram
  readonly loadMs: number
}

/** BpfProgram: an owned program. Disposing closes it; the kernel keeps it while a link or a pin does. */
export class BpfProgram implements Disposable {
  readonly fd: Fd
  readonly info: ProgramInfo

  private constructor(fd: Fd) {
    this.fd = fd
    this.info = programInfo(fd)
  }

  /** adopt takes over a descriptor, of a pin for instance. Throws BPF_OBJECT_UNEXPECTED when it is no program's. */
  static adopt(fd: Fd): BpfProgram {
    expectKind(fd, 'program')
    return new BpfProgram(fd)
  }

  [Symbol.dispose](): void {
    this.fd[Symbol.dispose]()
  }
}

function programInfo(fd: Fd): ProgramInfo {
  const op = 'ask for a program'
  const info = objectInfo(fd, op, Buffer.alloc(INFO_BYTES))
  const ids = Buffer.alloc(info.readUInt32LE(52) * 4)
  if (ids.length > 0) {
    const request = Buffer.alloc(INFO_BYTES)
    request.writeUInt32LE(ids.length / 4, 52)
    const attr = new Attr().pointer(0, ids)
    request.writeBigUInt64LE(attr.bytes.readBigUInt64LE(0), 56)
    objectInfo(fd, op, request)
    attr.release()
  }
  return {
    type: info.readUInt32LE(0),
    id: info.readUInt32LE(4),
    tag: info.toString('hex', 8, 16),
    jitedBytes: info.readUInt32LE(16),
    instructions: info.readUInt32LE(20) / SLOT,
    mapIds: Array.from({ length: ids.length / 4 }, (_, index) => ids.readUInt32LE(index * 4)),
    name: textAt(info, 64),
    verifiedInstructions: info.readUInt32LE(216),
  }
}

/** relocated: a copy of the instructions with the maps filled in. Throws BPF_CODE_INVALID. */
function relocated(spec: ProgramSpec, maps: ReadonlyMap<string, BpfMap>): Buffer {
  const refuse = (detail: string): never => {
    throw new TenbinError('BPF_CODE_INVALID', `load ${spec.name}`, { detail })
  }
  const code = Buffer.from(spec.code)
  if (code.length === 0 || code.length % SLOT !== 0) refuse(`${code.length} bytes are no whole instructions`)
  for (const { insn, kind, map, offset } of spec.relocations) {
    const at = insn * SLOT
    const isLoad =
      Number.isInteger(insn) && insn >= 0 && at + 2 * SLOT <= code.length && code[at] === LD_IMM64
    if (!isLoad) refuse(`slot ${insn}, which is to name map ${map}, is no 64-bit load`)
    const target = maps.get(map)
    invariant(target, `load ${spec.name}: no map ${map} was given`)
    code[at + 1] = (code[at + 1]! & 0x0f) | (pseudo[kind] << 4)
    code.writeInt32LE(target.fd.number, at + 4)
    code.writeUInt32LE(kind === 'map-value' ? offset : 0, at + SLOT + 4)
  }
  return code
}

/**
 * loadProgram: an XDP program. `maps` holds each map that a relocation names; they stay the caller's. Throws
 * VerifierError, BTF_REFUSED, BPF_CODE_INVALID, SyscallError.
 */
export function loadProgram(spec: ProgramSpec, maps: ReadonlyMap<string, BpfMap> = new Map()): Loaded {
  const op = `load ${spec.name}`
  const code = relocated(spec, maps)
  const start = performance.now()
  using btf = spec.btf && loadBtf(spec.btf.blob)
  const attr = (log?: Buffer): Attr => {
    const attr = new Attr()
      .u32(0, BPF_PROG_TYPE_XDP)
      .u32(4, code.length / SLOT)
      .pointer(8, code)
      .pointer(16, LICENSE)
      .u32(44, spec.flags)
      .name(48, spec.name)
      .u32(68, BPF_XDP)
    if (log) attr.u32(24, 1).u32(28, log.length).pointer(32, log)
    if (!spec.btf || !btf) return attr
    const { funcInfo, lineInfo } = spec.btf
    attr.u32(72, btf.number)
    attr
      .u32(76, FUNC_RECORD_BYTES)
      .pointer(80, funcInfo)
      .u32(88, funcInfo.length / FUNC_RECORD_BYTES)
    attr
      .u32(92, LINE_RECORD_BYTES)
      .pointer(96, lineInfo)
      .u32(104, lineInfo.length / LINE_RECORD_BYTES)
    return attr
  }
  const loaded = (fd: number): Loaded => {
    const loadMs = performance.now() - start
    return { program: BpfProgram.adopt(Fd.own(fd)), loadMs }
  }
  const result = patiently(() => attempt('BPF_PROG_LOAD', attr()))
  if (result >= 0) return loaded(result)
  const cause = refusal('BPF_PROG_LOAD', op, -result)
  let log = Buffer.alloc(0)
  for (const byteLength of LOG_BYTES) {
    log = Buffer.alloc(byteLength)
    const again = patiently(() => attempt('BPF_PROG_LOAD', attr(log)))
    if (again >= 0) return loaded(again)
    if (-again !== errnoNumber('ENOSPC')) break
  }
  const text = textAt(log, 0, log.length)
  if (text.trim() === '') throw cause
  throw new VerifierError(spec, text, { cause })
}

function patiently(run: () => number): number {
  let result = run()
  for (let tries = 1; -result === errnoNumber('EAGAIN') && tries < TRIES; tries++) result = run()
  return result
}
