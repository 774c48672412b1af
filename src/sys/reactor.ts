// Reactor: waits for raw descriptors that Node's own sockets refuse (netlink, AF_PACKET, raw IP). Its idea: one epoll
// descriptor holds them all and koffi's poll (libuv's uv_poll) waits for that one, for uv_poll ends the process on a
// bad or duplicate descriptor while epoll_ctl(2) answers with an errno. Nothing may be thrown in koffi's callback,
// which would poll no more. Left out: edge triggering, priorities, time-outs.
// References: epoll(7), epoll_ctl(2), include/uapi/linux/eventpoll.h.

import koffi from 'koffi'
import { invariant } from '../base/errors.ts'
import { Fd } from './fd.ts'
import { nativeCall, SyscallError } from './syscall.ts'

const epollCreate = nativeCall('epoll_create1', 'int', ['int'])
const epollCtl = nativeCall('epoll_ctl', 'int', ['int', 'int', 'int', 'buffer'])
const epollWait = nativeCall('epoll_wait', 'int', ['int', 'buffer', 'int', 'int'])

const EPOLL_CLOEXEC = 0o2000000
const EPOLL_CTL_ADD = 1
const EPOLL_CTL_DEL = 2
const EPOLL_CTL_MOD = 3
const EPOLLIN = 0x001
const EPOLLOUT = 0x004
const EPOLLERR = 0x008
const EPOLLHUP = 0x010

// struct epoll_event { u32 events; u64 data }, packed on x86-64 only.
const DATA_AT = process.arch === 'x64' ? 4 : 8
const EVENT_SIZE = DATA_AT + 8
/** A thread that comes round rarely must still keep up with thousands a second. */
const EVENTS_AT_ONCE = 4096

/** Interest: what to wait for; neither = errors only. */
export interface Interest {
  readonly readable?: boolean
  readonly writable?: boolean
}

/** Readiness: what a descriptor is ready for. `failed`: it has an error or its other end hung up; a read tells. */
export interface Readiness {
  readonly readable: boolean
  readonly writable: boolean
  readonly failed: boolean
}

/** Watch: a watched descriptor. Dispose it before the descriptor is closed; no callback comes afterwards. */
export interface Watch extends Disposable {
  /** change: what to wait for from now on. */
  change(interest: Interest): void
}

interface Entry {
  readonly fd: Fd
  readonly onReady: (readiness: Readiness) => void
  readonly keepsAlive: boolean
}

interface PollHandle {
  ref(): void
  unref(): void
  close(): void
}

// What koffi does, which its own types tell differently.
const poll = koffi.node.poll as unknown as (
  fd: number,
  options: { readonly readable: true },
  callback: (status: number) => void,
) => PollHandle

/**
 * Reactor: callbacks by descriptor, level-triggered, all in the thread that made it. The process stays alive for its
 * watches that want so and for nothing else. What a callback throws becomes an uncaught exception; others still run.
 */
export class Reactor implements Disposable {
  readonly #epoll = Fd.own(epollCreate(EPOLL_CLOEXEC))
  readonly #handle: PollHandle
  readonly #events = Buffer.alloc(EVENT_SIZE * EVENTS_AT_ONCE)
  /** By serial number, so that an event of a watch that is gone never reaches one that got its descriptor since. */
  readonly #entries = new Map<number, Entry>()
  #lastSerial = 0
  #keptAlive = 0

  /** Throws SyscallError (EMFILE, ENOMEM). */
  constructor() {
    // A handle that is garbage-collected stops without a word: this one lives as long as koffi has its callback.
    this.#handle = poll(this.#epoll.number, { readable: true }, (status) => this.#dispatch(status))
    this.#handle.unref()
  }

  /**
   * watch calls back whenever `fd` is ready, until disposed. The descriptor stays the caller's. With `keepAlive`
   * false it alone does not keep the process. Throws SyscallError: EPERM (a file that is always ready), EEXIST.
   */
  watch(
    fd: Fd,
    interest: Interest,
    onReady: (readiness: Readiness) => void,
    { keepAlive = true }: { readonly keepAlive?: boolean } = {},
  ): Watch {
    const serial = ++this.#lastSerial
    epollCtl(this.#epoll.number, EPOLL_CTL_ADD, fd.number, encodeEvent(interest, serial))
    this.#entries.set(serial, { fd, onReady, keepsAlive: keepAlive })
    if (keepAlive && this.#keptAlive++ === 0) this.#handle.ref()
    return {
      change: (next) => {
        invariant(this.#entries.has(serial), 'a disposed watch is changed')
        epollCtl(this.#epoll.number, EPOLL_CTL_MOD, fd.number, encodeEvent(next, serial))
      },
      [Symbol.dispose]: () => this.#unwatch(serial),
    }
  }

  /** Dispose: all watches end; their descriptors stay open. */
  [Symbol.dispose](): void {
    if (!this.#epoll.isOpen) return
    this.#entries.clear()
    this.#handle.close()
    this.#epoll[Symbol.dispose]()
  }

  #unwatch(serial: number): void {
    const entry = this.#entries.get(serial)
    if (!entry) return
    this.#entries.delete(serial)
    // The kernel keeps reporting a file that lives on as a duplicate, and only its number could stop that.
    invariant(entry.fd.isOpen, 'a descriptor was closed before its watch was disposed')
    epollCtl(this.#epoll.number, EPOLL_CTL_DEL, entry.fd.number, null)
    if (entry.keepsAlive && --this.#keptAlive === 0) this.#handle.unref()
  }

  #dispatch(status: number): void {
    if (status < 0) surface(new SyscallError('wait for descriptors', -status))
    const count = epollWait.attempt(this.#epoll.number, this.#events, EVENTS_AT_ONCE, 0)
    // A signal came in between (EINTR): what is ready still is, and wakes again.
    for (let at = 0; at < count * EVENT_SIZE; at += EVENT_SIZE) {
      const bits = this.#events.readUInt32LE(at)
      const entry = this.#entries.get(Number(this.#events.readBigUInt64LE(at + DATA_AT)))
      if (!entry) continue
      try {
        entry.onReady({
          readable: (bits & EPOLLIN) !== 0,
          writable: (bits & EPOLLOUT) !== 0,
          failed: (bits & (EPOLLERR | EPOLLHUP)) !== 0,
        })
      } catch (error) {
        surface(error)
      }
    }
  }
}

/** surface makes an error an uncaught exception, outside of the callback that met it. */
function surface(error: unknown): void {
  process.nextTick(() => {
    throw error
  })
}

function encodeEvent({ readable, writable }: Interest, serial: number): Buffer {
  const event = Buffer.alloc(EVENT_SIZE)
  event.writeUInt32LE((readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0))
  event.writeBigUInt64LE(BigInt(serial), DATA_AT)
  return event
}
