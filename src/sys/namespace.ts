// Network namespaces, entered by the calling thread: run a function in one, or stay there. Its idea: setns(2) moves
// only the thread that calls it, and a socket belongs for ever to the namespace in which it was made; so it is enough
// to make sockets inside. Children are born in the namespace of the thread that spawns them. Node's thread pool
// (dns.lookup, asynchronous fs) stays behind: in a namespace that was entered, names resolve in the old one.
// References: setns(2), unshare(2), network_namespaces(7). Names: named-namespace.ts.

import { fstatSync } from 'node:fs'
import { invariant } from '../base/errors.ts'
import { Fd } from './fd.ts'
import { during, nativeCall } from './syscall.ts'

const open = nativeCall('open', 'int', ['string', 'int'])
const setns = nativeCall('setns', 'int', ['int', 'int'])
const unshare = nativeCall('unshare', 'int', ['int'])

const O_CLOEXEC = 0o2000000
const CLONE_NEWNET = 0x40000000
/** Of the calling thread, which need not be the process's first. */
export const THREAD_NAMESPACE = '/proc/thread-self/ns/net'

/** NetworkNamespace: owns a descriptor of a namespace, which lives at least as long as that is open. */
export class NetworkNamespace implements Disposable {
  readonly fd: Fd

  private constructor(fd: Fd) {
    this.fd = fd
  }

  /** current: the calling thread's. */
  static current(): NetworkNamespace {
    return NetworkNamespace.open(THREAD_NAMESPACE)
  }

  /** open: by a path, such as /proc/PID/ns/net or /run/netns/NAME. Throws SyscallError (ENOENT). */
  static open(path: string): NetworkNamespace {
    return during(`open namespace ${path}`, () => new NetworkNamespace(Fd.own(open(path, O_CLOEXEC))))
  }

  /** create: a new one without a name; it goes when it is disposed and nothing else lives in it. */
  static create(): NetworkNamespace {
    using before = NetworkNamespace.current()
    during('create namespace', () => unshare(CLONE_NEWNET))
    try {
      return NetworkNamespace.current()
    } finally {
      before.#comeBack()
    }
  }

  /** id: the namespace's inode number, as `readlink /proc/PID/ns/net` prints it. */
  get id(): number {
    return fstatSync(this.fd.number).ino
  }

  /** enter moves the calling thread here for good. Throws SyscallError (EINVAL where it is no network namespace). */
  enter(): void {
    during('enter namespace', () => setns(this.fd.number, CLONE_NEWNET))
  }

  /** run calls a function here and comes back, also when it throws. What it does must be over when it returns. */
  run<Result>(work: () => Result): Result {
    using before = NetworkNamespace.current()
    this.enter()
    let result: Result
    try {
      result = work()
    } finally {
      before.#comeBack()
    }
    const promised = typeof (result as { then?: unknown } | null | undefined)?.then === 'function'
    invariant(!promised, 'work in another namespace goes on after it was left')
    return result
  }

  /** Dispose: close the descriptor. */
  [Symbol.dispose](): void {
    this.fd[Symbol.dispose]()
  }

  /** #comeBack: to go on in the wrong namespace would be worse than to stop. */
  #comeBack(): void {
    const result = setns.attempt(this.fd.number, CLONE_NEWNET)
    invariant(result >= 0, `the thread cannot leave a namespace: error ${-result}`)
  }
}
