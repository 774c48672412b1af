// File descriptors that have exactly one owner. Its idea: a number becomes an Fd where the kernel hands it out, and is
// closed once, by its owner's disposal; a closed Fd answers no number, so that a number the kernel has given to
// somebody else since is never used or closed. Left out: reading and writing, which belong to what the descriptor is.
// Reference: close(2), fcntl(2) F_DUPFD_CLOEXEC.

import { invariant } from '../base/errors.ts'
import { nativeCall, SyscallError } from './syscall.ts'

declare const fdBrand: unique symbol

/** FdNumber: a descriptor's number, borrowed from the Fd that owns it; valid while that is open. */
export type FdNumber = number & { readonly [fdBrand]: true }

const close = nativeCall('close', 'int', ['int'])
const fcntl = nativeCall('fcntl', 'int', ['int', 'int', 'int'])
/** include/uapi/linux/fcntl.h */
const F_DUPFD_CLOEXEC = 1030

/** Fd: an owned descriptor. Disposing closes it; disposing again does nothing. */
export class Fd implements Disposable {
  #number: number

  private constructor(number: number) {
    this.#number = number
  }

  /** own: takes over `number`, which no one else may close from now on. */
  static own(number: number): Fd {
    invariant(Number.isInteger(number) && number >= 0, `${number} is not a descriptor`)
    return new Fd(number)
  }

  /** number: to pass to a call. Asking a closed Fd is a bug. */
  get number(): FdNumber {
    invariant(this.#number >= 0, 'a closed descriptor is used')
    return this.#number as FdNumber
  }

  get isOpen(): boolean {
    return this.#number >= 0
  }

  /** duplicate: another Fd of the same open file, close-on-exec. Throws SyscallError (EMFILE). */
  duplicate(): Fd {
    return new Fd(fcntl(this.number, F_DUPFD_CLOEXEC, 0))
  }

  /** release gives the number to a new owner (net.Socket, fs.closeSync); this Fd is closed afterwards. */
  release(): number {
    const number = this.number
    this.#number = -1
    return number
  }

  /** Dispose: close(2). EBADF is a bug; any other failure has closed the descriptor all the same (close(2), NOTES). */
  [Symbol.dispose](): void {
    if (this.#number < 0) return
    const number = this.release()
    const result = close.attempt(number)
    invariant(
      result >= 0 || new SyscallError('close', -result).errno !== 'EBADF',
      `descriptor ${number} was closed`,
    )
  }
}
