// The bpf(2) system call. Its idea: an Attr is the kernel's `union bpf_attr` as bytes, written field by field at the
// offsets of linux/bpf.h, and it keeps what its pointers point to until the call has returned. Each command's layout
// stands where it is used. Left out: bpf tokens, offload to network cards, big-endian machines.
// Reference: include/uapi/linux/bpf.h, bpf(2); unused fields stay 0, which every kernel accepts.

import { invariant } from '../base/errors.ts'
import { Fd } from '../sys/fd.ts'
import { addressOf } from '../sys/memory.ts'
import { nativeCall, SyscallError } from '../sys/syscall.ts'
import { NotSupported } from './not-supported.ts'

/** commands: enum bpf_cmd. */
export const commands = {
  BPF_MAP_CREATE: 0,
  BPF_MAP_LOOKUP_ELEM: 1,
  BPF_MAP_UPDATE_ELEM: 2,
  BPF_MAP_DELETE_ELEM: 3,
  BPF_MAP_GET_NEXT_KEY: 4,
  BPF_PROG_LOAD: 5,
  BPF_OBJ_PIN: 6,
  BPF_OBJ_GET: 7,
  BPF_PROG_TEST_RUN: 10,
  BPF_PROG_GET_NEXT_ID: 11,
  BPF_PROG_GET_FD_BY_ID: 13,
  BPF_MAP_GET_FD_BY_ID: 14,
  BPF_OBJ_GET_INFO_BY_FD: 15,
  BPF_BTF_LOAD: 18,
  BPF_LINK_CREATE: 28,
  BPF_LINK_UPDATE: 29,
  BPF_LINK_GET_FD_BY_ID: 30,
  BPF_LINK_GET_NEXT_ID: 31,
  BPF_LINK_DETACH: 34,
  BPF_PROG_BIND_MAP: 35,
} as const

/** Command: a name of enum bpf_cmd. */
export type Command = keyof typeof commands

/** Longer than any command's fields that are used here; the kernel takes longer unions whose rest is 0. */
const ATTR_BYTES = 128
/** BPF_OBJ_NAME_LEN, the ending zero included. */
const NAME_BYTES = 16
const nameRule = /^[A-Za-z0-9_.]{1,15}$/

/** Attr: a `union bpf_attr` being written. Offsets are bytes. */
export class Attr {
  /** Zeroed, of Node's pool: memory of its own for each call would cost more than the call. */
  readonly bytes = Buffer.allocUnsafe(ATTR_BYTES).fill(0)
  #held: Uint8Array[] = []

  u32(offset: number, value: number): this {
    this.bytes.writeUInt32LE(value, offset)
    return this
  }

  u64(offset: number, value: bigint): this {
    this.bytes.writeBigUInt64LE(value, offset)
    return this
  }

  /** pointer: where `target` is, or NULL. Held until release. */
  pointer(offset: number, target: Uint8Array | undefined): this {
    if (target) this.#held.push(target)
    return this.u64(offset, addressOf(target))
  }

  /** name: an object's name, at most 15 of A-Z, a-z, 0-9, _ and dots. */
  name(offset: number, name: string): this {
    invariant(nameRule.test(name), `${JSON.stringify(name)} cannot name a BPF object`)
    this.bytes.write(name, offset, NAME_BYTES, 'latin1')
    return this
  }

  /** release: what the pointers point to is needed no longer. */
  release(): void {
    this.#held = []
  }
}

/** textAt: a zero-padded text of at most `byteLength` bytes. */
export function textAt(bytes: Buffer, offset: number, byteLength = NAME_BYTES): string {
  const field = bytes.subarray(offset, offset + byteLength)
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end < 0 ? byteLength : end)
}

/** cText: zero-terminated bytes of a text, for a pointer. */
export const cText = (text: string): Buffer => Buffer.from(`${text}\0`)

/** Numbers of the system call: arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h. */
const numbers: Readonly<Record<string, number>> = { x64: 321, arm64: 280, riscv64: 280, loong64: 280 }
const syscall = nativeCall('syscall', 'long', ['int64', 'int', 'buffer', 'int'])

/** attempt makes the call; answers like it, with a negative error number for a failure. */
export function attempt(command: Command, attr: Attr): number {
  const number = numbers[process.arch]
  if (number === undefined || process.platform !== 'linux')
    throw new NotSupported(`bpf(2) that tenbin knows (${process.platform} on ${process.arch})`, '6.1')
  const result = syscall.attempt(number, commands[command], attr.bytes, ATTR_BYTES)
  attr.release()
  return result
}

/** bpf makes the call for `op` ("pin map"). Throws SyscallError. */
export function bpf(command: Command, op: string, attr: Attr): number {
  const result = attempt(command, attr)
  if (result < 0) throw refusal(command, op, -result)
  return result
}

/** bpfFd: the same for commands that answer a descriptor (close-on-exec, as all of bpf). */
export const bpfFd = (command: Command, op: string, attr: Attr): Fd => Fd.own(bpf(command, op, attr))

/** refusal: the error of a failed attempt. */
export const refusal = (command: Command, op: string, errno: number): SyscallError => {
  const { detail } = new SyscallError(op, errno)
  return new SyscallError(op, errno, { detail: `${command}: ${detail!.slice(detail!.indexOf(' ') + 1)}` })
}

/** objectInfo: the first `byteLength` bytes of a map's, program's or link's information structure. */
export function objectInfo(fd: Fd, op: string, info: Buffer): Buffer {
  const attr = new Attr().u32(0, fd.number).u32(4, info.length).pointer(8, info)
  bpf('BPF_OBJ_GET_INFO_BY_FD', op, attr)
  return info
}
