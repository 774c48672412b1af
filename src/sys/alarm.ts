// The clock that goes on while the machine is suspended, and an alarm on it. Its idea: Node's own timers follow
// CLOCK_MONOTONIC, round to milliseconds and are looked at once a turn; a timerfd wakes the reactor at the instant, to
// fractions of a millisecond, and after a suspension at once. References: clock_gettime(2) CLOCK_BOOTTIME, timerfd_create(2).

import { Fd } from './fd.ts'
import type { Reactor, Watch } from './reactor.ts'
import { nativeCall } from './syscall.ts'

const gettime = nativeCall('clock_gettime', 'int', ['int', 'buffer'])
const timerfdCreate = nativeCall('timerfd_create', 'int', ['int', 'int'])
const timerfdSettime = nativeCall('timerfd_settime', 'int', ['int', 'int', 'buffer', 'buffer'])
const read = nativeCall('read', 'long', ['int', 'buffer', 'size_t'])

const CLOCK_BOOTTIME = 7
const TFD_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000
const TFD_TIMER_ABSTIME = 1

// One thread, and no call returns before it is done with them.
const timespec = Buffer.alloc(16)
const itimerspec = Buffer.alloc(32)
const expirations = Buffer.alloc(8)

/** bootMs: milliseconds since the machine was booted, suspensions included, with their fractions. */
export function bootMs(): number {
  gettime(CLOCK_BOOTTIME, timespec)
  return Number(timespec.readBigInt64LE(0)) * 1000 + Number(timespec.readBigInt64LE(8)) / 1e6
}

/** Alarm calls back once at the time that it is set to. Owned. Keeps the process alive. */
export class Alarm implements Disposable {
  readonly #fd = Fd.own(timerfdCreate(CLOCK_BOOTTIME, TFD_NONBLOCK_CLOEXEC))
  readonly #watch: Watch

  /** Throws SyscallError (EMFILE). */
  constructor(reactor: Reactor, onTime: () => void) {
    this.#watch = reactor.watch(this.#fd, { readable: true }, () => {
      // EAGAIN: it was set anew after it had gone off.
      if (read.attempt(this.#fd.number, expirations, 8) === 8) onTime()
    })
  }

  /** set: to a time of bootMs, at once if that has passed; undefined: not at all. What it was set to before is forgotten. */
  set(at: number | undefined): void {
    // zero would disarm it
    const ns = at === undefined ? 0n : BigInt(Math.max(1, Math.round(at * 1e6)))
    itimerspec.writeBigInt64LE(ns / 1_000_000_000n, 16)
    itimerspec.writeBigInt64LE(ns % 1_000_000_000n, 24)
    timerfdSettime(this.#fd.number, TFD_TIMER_ABSTIME, itimerspec, null)
  }

  [Symbol.dispose](): void {
    if (!this.#fd.isOpen) return
    this.#watch[Symbol.dispose]()
    this.#fd[Symbol.dispose]()
  }
}
