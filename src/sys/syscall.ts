// Functions of libc as typed TypeScript functions. Its idea: `nativeCall` names a libc function once, with its
// argument types; what it returns throws a SyscallError that carries the errno by name, or, by `.attempt`, answers
// like the kernel itself with a negative error number, for loops in which failure is ordinary. Arguments are checked
// here because koffi cuts them silently (2^32 + 3 closes descriptor 3). Structures are Buffers that callers write.
// Left out: calls in other threads (they end the process), callbacks, functions whose failure is not -1 + errno.

import koffi, { type LibraryHandle } from 'koffi'
import { type ErrorDetail, invariant, TenbinError } from '../base/errors.ts'
import { errnoName, errnoNumber } from './errno.ts'

/** Types of C that arguments may have, and what TypeScript passes for them. */
interface ArgumentTypes {
  /** 32 bits, signed; flags with the top bit set may be passed unsigned. */
  int: number
  /** A non-negative safe integer. */
  size_t: number
  /** 64 bits, signed. */
  int64: number | bigint
  /** Bytes that the callee reads or writes during the call, or NULL. */
  buffer: Uint8Array | null
  /** A zero-terminated UTF-8 copy; the string itself must hold no zero. */
  string: string
  /** An address as mmap returned it; 0 is NULL. */
  address: number
}

/** ArgumentType: 'int' | 'size_t' | 'int64' | 'buffer' | 'string' | 'address'. */
export type ArgumentType = keyof ArgumentTypes

const koffiTypes: Readonly<Record<ArgumentType, string>> = {
  int: 'int',
  size_t: 'size_t',
  int64: 'int64_t',
  buffer: 'void *',
  string: 'str',
  address: 'uintptr_t',
}

/** Arguments: the TypeScript types of a list of argument types. */
export type Arguments<Types extends readonly ArgumentType[]> = {
  [Index in keyof Types]: ArgumentTypes[Types[Index]]
}

/** NativeCall: a libc function. Called, it returns what libc returned, or throws SyscallError. */
export interface NativeCall<Types extends readonly ArgumentType[]> {
  (...values: Arguments<Types>): number
  /** attempt: the same, but a failure is returned as a negative error number (-2 for ENOENT). */
  attempt(...values: Arguments<Types>): number
}

/**
 * SyscallError: the kernel refused. Branch on `errno`, the name ('ENOENT'). `op` starts out as the libc function's
 * name; a caller that was about something says so by `during`. `detail` defaults to the name and libc's words for it;
 * pass the kernel's own where it has some (extended acks). Its code is NOT_PERMITTED when a user other than root is
 * refused for lack of privilege, else SYSCALL_FAILED.
 */
export class SyscallError extends TenbinError {
  readonly errno: string

  constructor(op: string, errno: number, { detail, cause }: ErrorDetail = {}) {
    const name = errnoName(errno)
    const denied = (name === 'EPERM' || name === 'EACCES') && process.geteuid?.() !== 0
    super(denied ? 'NOT_PERMITTED' : 'SYSCALL_FAILED', op, {
      cause,
      detail: detail === undefined ? `${name}: ${errnoWords(errno)}` : `${name}: ${detail}`,
    })
    this.errno = name
  }
}

/** isErrno: whether `error` is a SyscallError of one of these names. */
export const isErrno = (error: unknown, ...names: readonly string[]): error is SyscallError =>
  error instanceof SyscallError && names.includes(error.errno)

/** during runs `run`; a SyscallError that leaves it gets `op` as its op (and stays its cause). */
export function during<Result>(op: string, run: () => Result): Result {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error
    throw new SyscallError(op, errnoNumber(error.errno) ?? 0, {
      cause: error,
      detail: `${error.op}: ${(error.detail ?? '').slice(error.errno.length + 2)}`,
    })
  }
}

let libc: LibraryHandle | undefined
const library = (): LibraryHandle => {
  libc ??= koffi.load(null)
  return libc
}

let strerror: ((errno: number) => string) | undefined
function errnoWords(errno: number): string {
  if (errnoName(errno) === 'ENOTSUPP') return 'Operation not supported by this object'
  strerror ??= library().func('strerror', 'str', ['int'])
  return strerror(errno)
}

const INT_LOW = -(2 ** 31)
const INT_HIGH = 2 ** 32 - 1

function check(call: string, type: ArgumentType, value: unknown): void {
  switch (type) {
    case 'int':
      invariant(
        Number.isInteger(value) && (value as number) >= INT_LOW && (value as number) <= INT_HIGH,
        `${call}: ${value} is not a 32-bit integer`,
      )
      return
    case 'size_t':
    case 'address':
      invariant(Number.isSafeInteger(value) && (value as number) >= 0, `${call}: ${value} is not a ${type}`)
      return
    case 'int64':
      invariant(typeof value === 'bigint' || Number.isSafeInteger(value), `${call}: ${value} is not an int64`)
      return
    case 'string':
      invariant(typeof value === 'string' && !value.includes('\0'), `${call}: a string that C would cut`)
      return
    case 'buffer':
      invariant(value === null || value instanceof Uint8Array, `${call}: not a buffer`)
      return
    default:
      invariant(false, `${call}: ${type satisfies never} is no argument type`)
  }
}

/**
 * nativeCall names a libc function: what it returns ('long' stands for ssize_t and addresses too), which is -1 with
 * errno on failure, and its arguments; of a variadic one those that are passed. It is looked up when first called, so
 * that importing costs nothing on other systems.
 */
export function nativeCall<const Types extends readonly ArgumentType[]>(
  name: string,
  returns: 'int' | 'long',
  types: Types,
): NativeCall<Types> {
  let bound: ((...values: unknown[]) => number) | undefined
  const bind = () =>
    library().func(
      name,
      returns === 'int' ? 'int' : 'intptr_t',
      types.map((type) => koffiTypes[type]),
    )
  const attempt = (...values: Arguments<Types>): number => {
    bound ??= bind()
    for (let index = 0; index < types.length; index++) check(name, types[index]!, values[index])
    const result = bound(...values)
    return result === -1 ? -koffi.errno() : result
  }
  const call = (...values: Arguments<Types>): number => {
    const result = attempt(...values)
    if (result < 0) throw new SyscallError(name, -result)
    return result
  }
  return Object.assign(call, { attempt })
}
