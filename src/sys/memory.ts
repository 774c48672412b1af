// Memory that this process shares with the kernel, as an ArrayBuffer. Its idea: mmap(2) pages are looked at through
// ordinary typed arrays, without calls; when the owner lets go, empty private pages take their place in one step, so
// that what was mapped is free and a view kept by mistake reads zeros instead of ending the process, and the addresses
// are given back when the last view has been collected. Also the address of a Buffer, for structures that hold
// pointers. Left out: protection changes, growing, sharing with workers. Reference: mmap(2).

import koffi from 'koffi'
import type { Fd } from './fd.ts'
import { nativeCall } from './syscall.ts'

/** include/uapi/asm-generic/mman-common.h */
const PROT_READ = 1
const PROT_WRITE = 2
const MAP_SHARED = 0x01
const MAP_PRIVATE = 0x02
const MAP_FIXED = 0x10
const MAP_ANONYMOUS = 0x20
const MAP_NORESERVE = 0x4000

const mmap = nativeCall('mmap', 'long', ['address', 'size_t', 'int', 'int', 'int', 'int64'])
const munmap = nativeCall('munmap', 'int', ['address', 'size_t'])

const collected = new FinalizationRegistry<{ readonly address: number; readonly byteLength: number }>(
  ({ address, byteLength }) => munmap(address, byteLength),
)

/** SharedMemory: pages of a descriptor, mapped. Owned: dispose to free what is mapped, views or not. */
export class SharedMemory implements Disposable {
  /** The mapped pages. Make any typed array on it; never transfer it. After disposal all of it is 0. */
  readonly buffer: ArrayBuffer
  readonly #address: number
  #isMapped = true

  private constructor(address: number, byteLength: number) {
    this.#address = address
    this.buffer = koffi.view(BigInt(address), byteLength)
    collected.register(this.buffer, { address, byteLength })
  }

  /**
   * map: `byteLength` bytes of what `fd` is, from `offset` on, shared with everybody else who maps it. Writable unless said
   * otherwise; writing to a read-only map ends the process. `fd` may be closed afterwards. Throws SyscallError.
   */
  static map(fd: Fd, byteLength: number, { writable = true, offset = 0 } = {}): SharedMemory {
    const protection = writable ? PROT_READ | PROT_WRITE : PROT_READ
    return new SharedMemory(mmap(0, byteLength, protection, MAP_SHARED, fd.number, offset), byteLength)
  }

  /** Dispose: what was mapped is no longer held; every view reads 0, and what it writes is lost. */
  [Symbol.dispose](): void {
    if (!this.#isMapped) return
    this.#isMapped = false
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE
    mmap(this.#address, this.buffer.byteLength, PROT_READ | PROT_WRITE, flags, -1, 0)
  }
}

/**
 * addressOf: where the bytes are, for a pointer inside a structure; 0 for none. Good while the caller holds `bytes`:
 * hold it until the call that uses the pointer has returned.
 */
export function addressOf(bytes: Uint8Array | undefined): bigint {
  return bytes === undefined ? 0n : BigInt(koffi.address(bytes))
}
