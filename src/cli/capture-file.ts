// Where -w writes to. A file that has something stays as it is until the capture is complete: until then what comes is in
// FILE.PID.part beside it. Whatever ends a capture, a file ends with a whole block. Standard output, pipes and devices, and what
// the shell has open, get what comes as it comes; nothing there is replaced.

import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs'
import { TenbinError } from '../base/errors.ts'
import { PcapngStream } from '../capture/pcapng-file.ts'
import type { RecordedPacket } from '../engine/recorded.ts'

/** STANDARD: -w - is this. */
const STANDARD = 1
/** FULL_MS: so long a reader that is slower has before it is asked again. */
const FULL_MS = 5
const pause = new Int32Array(new SharedArrayBuffer(4))

/** Opened: what is written to. `name`: of a file of ours, which goes if nothing whole is in it; `before`: what it will replace. */
interface Opened {
  readonly fd: number
  readonly isFile: boolean
  readonly name?: string
  readonly before?: { readonly path: string; readonly stats: Stats }
}

/** CaptureSink: a pcapng file, from `begin` on. Throws CAPTURE_UNWRITABLE. Disposed without `end` it replaces nothing. */
export class CaptureSink implements Disposable {
  readonly #path: string
  readonly #comment: string
  readonly #tell: (text: string) => void
  #opened: Opened | undefined
  #stream: PcapngStream | undefined
  #hasWhole = false

  /** `tell` where packets are that replaced nothing. */
  constructor(path: string, comment: string, tell: (text: string) => void) {
    this.#path = path
    this.#comment = comment
    this.#tell = tell
  }

  /** isFile: no write waits for a reader. */
  get isFile(): boolean {
    return this.#opened?.isFile === true
  }

  begin(interfaces: readonly string[]): void {
    this.#opened = this.#tried(() => opened(this.#path))
    this.#stream = new PcapngStream(this.#comment, interfaces)
    this.#write(this.#stream.begin())
  }

  add(packet: RecordedPacket): void {
    if (this.#stream) this.#write(this.#stream.add([packet]))
  }

  /** end: the capture is complete, and takes the place of what was there. */
  end(): void {
    if (!this.#opened?.before) return
    const { fd, name, before } = this.#opened
    this.#tried(() => {
      likeBefore(fd, before.stats)
      fsyncSync(fd)
      renameSync(name!, before.path)
    })
    this.#opened = { fd, isFile: true }
  }

  [Symbol.dispose](): void {
    const { fd, name, before } = this.#opened ?? {}
    if (fd !== undefined && fd !== STANDARD) closeSync(fd)
    this.#opened = undefined
    if (name !== undefined && !this.#hasWhole) rmSync(name, { force: true })
    else if (before) this.#tell(`what was captured is in ${name}; ${this.#path} is as it was`)
  }

  /** #write whole blocks, or nothing where it can be taken back. */
  #write(bytes: Buffer): void {
    const { fd, isFile } = this.#opened!
    let done = 0
    this.#tried(() => {
      try {
        while (done < bytes.length) done += writeSome(fd, bytes.subarray(done))
      } catch (error) {
        if (isFile && done > 0) ftruncateSync(fd, fstatSync(fd).size - done)
        throw error
      }
    })
    this.#hasWhole = true
  }

  #tried<Result>(run: () => Result): Result {
    try {
      return run()
    } catch (cause) {
      const { code = '', message } = cause as NodeJS.ErrnoException
      throw new TenbinError('CAPTURE_UNWRITABLE', `write ${this.#path}`, { detail: code || message, cause })
    }
  }
}

/** opened: what is written to for a path. */
function opened(path: string): Opened {
  if (path === '-' || path === '/dev/stdout') return { fd: STANDARD, isFile: fstatSync(STANDARD).isFile() }
  const stats = statSync(path, { throwIfNoEntry: false })
  // of the shell's /dev/fd/3, too: a name there is no file's own
  if (/^\/(dev\/(fd\/|std)|proc\/)/.test(path) || (stats && !stats.isFile())) {
    const fd = openSync(path, 'a')
    return { fd, isFile: fstatSync(fd).isFile() }
  }
  if (!stats) return { fd: openSync(path, 'w', 0o600), isFile: true, name: path }
  if (stats.size === 0) return { fd: openSync(path, 'w'), isFile: true }
  const before = { path: realpathSync(path), stats }
  const name = `${before.path}.${process.pid}.part`
  return { fd: openSync(name, 'wx', 0o600), isFile: true, name, before }
}

/** likeBefore: who could read the file that was there can read this one, where its owner can be kept. */
function likeBefore(fd: number, { uid, gid, mode }: Stats): void {
  try {
    fchownSync(fd, uid, gid)
  } catch {
    return
  }
  fchmodSync(fd, mode & 0o777)
}

/** writeSome: 0 where a pipe is full, which Node has made one that does not wait; then its reader has had a moment. */
function writeSome(fd: number, bytes: Buffer): number {
  try {
    return writeSync(fd, bytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    Atomics.wait(pause, 0, 0, FULL_MS)
    return 0
  }
}
