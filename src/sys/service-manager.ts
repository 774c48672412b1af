// What a service tells systemd, or whoever else started it: that it is ready, what it does, that it ends, and, where that is
// watched, that it still runs. Its idea: one datagram each to the socket that the environment names; without one, or where
// nobody reads, nothing happens. Left out: reloading, descriptors that outlive the service.
// References: sd_notify(3), sd_watchdog_enabled(3).

import { SOCK_DGRAM, Socket } from './socket.ts'
import { AF_UNIX, unixAddress } from './socket-address.ts'

/** A message in each third of the time that the manager waits: one may be late, one lost. */
const IN_EACH = 3
/** What only the service itself is to use: its children are others. */
const NAMES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const

/** ServiceManager: disposed, it says no more. */
export class ServiceManager implements Disposable {
  readonly #address: Buffer | undefined
  readonly #watchdogMs: number
  #timer: NodeJS.Timeout | undefined

  private constructor(address: Buffer | undefined, watchdogMs: number) {
    this.#address = address
    this.#watchdogMs = watchdogMs
  }

  /** find: the one that `environment` names, and takes it out of there. */
  static find(environment: NodeJS.ProcessEnv = process.env): ServiceManager {
    const [socket, watchdog, pid] = NAMES.map((name) => environment[name])
    for (const name of NAMES) delete environment[name]
    const isWatched = pid === undefined || Number(pid) === process.pid
    const watchdogMs = isWatched ? Number(watchdog ?? 0) / 1000 : 0
    return new ServiceManager(addressOf(socket), Number.isFinite(watchdogMs) ? watchdogMs : 0)
  }

  /** ready: the service does what it is for; from now on it also says that it runs, if that is watched. */
  ready(status: string): void {
    this.#tell(`READY=1\nSTATUS=${oneLine(status)}`)
    if (this.#watchdogMs > 0)
      this.#timer ??= setInterval(() => this.#tell('WATCHDOG=1'), this.#watchdogMs / IN_EACH).unref()
  }

  /** status: what it does, for people to read. */
  status(text: string): void {
    this.#tell(`STATUS=${oneLine(text)}`)
  }

  /** stopping: it ends, and needs a moment for it. */
  stopping(): void {
    this.#tell('STOPPING=1')
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #tell(message: string): void {
    if (!this.#address) return
    try {
      using socket = Socket.open(AF_UNIX, SOCK_DGRAM, 0)
      socket.send(Buffer.from(message), this.#address)
    } catch {
      // The manager is being replaced, or reads nothing: it asks by its watchdog.
    }
  }
}

const oneLine = (text: string): string => text.replaceAll('\n', ' ')

/** addressOf: a path, or a name in the abstract namespace; vsock is for machines as a whole. */
const addressOf = (socket: string | undefined): Buffer | undefined =>
  socket !== undefined && /^[@/]./.test(socket) ? unixAddress(socket) : undefined
