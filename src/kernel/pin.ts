// Pins: names in bpffs that keep maps, programs and links alive without us and let the next process find them. Its
// idea: an instance has a directory of its own, a pin is replaced by renaming over it, so that a reader finds the old
// or the new object and never none, and a name may be anything, written so that it can be read back.
// bpffs refuses dots in names; A-Z a-z 0-9 _ - stand for themselves, any other byte is %xx: eth0.100 is eth0%2e100.
// Left out: subdirectories, permissions (all is root's). Reference: kernel/bpf/inode.c; bpf(2) BPF_OBJ_PIN, BPF_OBJ_GET.

import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, statfsSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { invariant, TenbinError } from '../base/errors.ts'
import { errnoNumber } from '../sys/errno.ts'
import { Fd } from '../sys/fd.ts'
import { isPrivate, mount, withLockedDirectory } from '../sys/mount.ts'
import { Attr, attempt, bpf, cText, refusal } from './bpf.ts'

/** BPFFS: where Linux has its bpffs. */
export const BPFFS = '/sys/fs/bpf'
/** include/uapi/linux/magic.h */
const BPF_FS_MAGIC = 0xcafe4a11
/** What a new pin is called until it is renamed; no escaped name starts like it. */
const UNFINISHED = '%new-'
const NAME_MAX = 255

const isBpffs = (path: string): boolean => statfsSync(path).type === BPF_FS_MAGIC

/** arePinsElsewhere: no bpffs is here, but may be where our parents look: `ip netns exec` mounts a bare /sys of its own. */
export const arePinsElsewhere = (root = BPFFS): boolean => isPrivate() && !(existsSync(root) && isBpffs(root))

/** ensureBpffs: true when it had to be mounted. Throws NOT_SUPPORTED without the directory, SyscallError. */
export function ensureBpffs(root = BPFFS): boolean {
  if (!existsSync(root))
    throw new TenbinError('NOT_SUPPORTED', 'mount bpffs', {
      detail: `${root} is missing: is /sys mounted, and the kernel built with CONFIG_BPF_SYSCALL?`,
    })
  if (isBpffs(root)) return false
  return withLockedDirectory(root, () => {
    if (isBpffs(root)) return false
    mount('bpf', root, 'mode=0700')
    return true
  })
}

/** escapeName: a name as bpffs takes it; different names never become one. */
export function escapeName(name: string): string {
  const bytes = Buffer.from(name)
  const escaped = bytes
    .toString('latin1')
    .replace(/[^A-Za-z0-9_-]/g, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, '0')}`)
  const isName = name !== '' && bytes.toString() === name && escaped.length + UNFINISHED.length <= NAME_MAX
  invariant(isName, `${JSON.stringify(name)} cannot name a pin`)
  return escaped
}

/** unescapeName: the name that was escaped to this; undefined for what escapeName never makes. */
export function unescapeName(escaped: string): string | undefined {
  if (!/^(?:[A-Za-z0-9_-]|%[0-9a-f]{2})+$/.test(escaped)) return undefined
  const latin1 = escaped.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  const name = Buffer.from(latin1, 'latin1').toString()
  return Buffer.from(name).toString('latin1') === latin1 && escapeName(name) === escaped ? name : undefined
}

const parent = (root: string): string => join(root, 'tenbin')

/** pinnedInstances: those that have a directory, sorted. */
export function pinnedInstances(root = BPFFS): string[] {
  if (!existsSync(parent(root))) return []
  return readdirSync(parent(root))
    .flatMap((entry) => unescapeName(entry) ?? [])
    .sort()
}

/** PinDirectory: the pins of one instance, /sys/fs/bpf/tenbin/INSTANCE. Holds no descriptor. */
export class PinDirectory {
  readonly path: string
  readonly #root: string

  private constructor(instance: string, root: string) {
    this.#root = root
    this.path = join(parent(root), escapeName(instance))
  }

  /** open makes the directory where it is missing. `root` is a mounted bpffs (ensureBpffs). */
  static open(instance: string, root = BPFFS): PinDirectory {
    invariant(isBpffs(root), `${root} is no bpffs`)
    const directory = new PinDirectory(instance, root)
    mkdirSync(directory.path, { recursive: true, mode: 0o700 })
    return directory
  }

  /** find: undefined when the instance has none. Makes nothing. */
  static find(instance: string, root = BPFFS): PinDirectory | undefined {
    const directory = new PinDirectory(instance, root)
    return existsSync(directory.path) ? directory : undefined
  }

  /** names of all pins, sorted. */
  names(): string[] {
    return readdirSync(this.path)
      .flatMap((entry) => unescapeName(entry) ?? [])
      .sort()
  }

  /** pin names an object. Throws SyscallError (EEXIST). */
  pin(name: string, fd: Fd): void {
    pinAt(this.#file(name), `pin ${name}`, fd)
  }

  /** replace names an object, in one step in the place of what had the name, if anything. Throws SyscallError. */
  replace(name: string, fd: Fd): void {
    const unfinished = join(this.path, UNFINISHED + escapeName(name))
    unlinkIfThere(unfinished)
    pinAt(unfinished, `pin ${name}`, fd)
    renameSync(unfinished, this.#file(name))
  }

  /** recover ends what a process was about to do in `replace` when it was killed: a pin that it made gets its name. */
  recover(): void {
    for (const entry of readdirSync(this.path)) {
      if (!entry.startsWith(UNFINISHED)) continue
      ifThere(() => renameSync(join(this.path, entry), join(this.path, entry.slice(UNFINISHED.length))))
    }
  }

  /** get opens a pin; the descriptor is the caller's, of whatever kind. Undefined when there is none. */
  get(name: string): Fd | undefined {
    const result = attempt('BPF_OBJ_GET', new Attr().pointer(0, cText(this.#file(name))))
    if (result >= 0) return Fd.own(result)
    if (-result === errnoNumber('ENOENT')) return undefined
    throw refusal('BPF_OBJ_GET', `open pin ${name}`, -result)
  }

  /** rename: in one step, in the place of what has the name `to`, if anything. False when there is no `from`. */
  rename(from: string, to: string): boolean {
    return ifThere(() => renameSync(this.#file(from), this.#file(to)))
  }

  /** unpin: false when there was none. What was pinned lives on while something else holds it. */
  unpin(name: string): boolean {
    return unlinkIfThere(this.#file(name))
  }

  /** remove: every pin, the directory, and that of all instances when it was the last one. */
  remove(): void {
    if (!existsSync(this.path)) return
    for (const entry of readdirSync(this.path)) unlinkIfThere(join(this.path, entry))
    rmdirSync(this.path)
    unless(['ENOTEMPTY', 'ENOENT'], () => rmdirSync(parent(this.#root)))
  }

  #file(name: string): string {
    return join(this.path, escapeName(name))
  }
}

function pinAt(path: string, op: string, fd: Fd): void {
  bpf('BPF_OBJ_PIN', op, new Attr().pointer(0, cText(path)).u32(8, fd.number))
}

const ifThere = (run: () => void): boolean => unless(['ENOENT'], run)
const unlinkIfThere = (path: string): boolean => ifThere(() => unlinkSync(path))

/** unless: false when `run` fails with one of these. */
function unless(codes: readonly string[], run: () => void): boolean {
  try {
    run()
    return true
  } catch (error) {
    if (codes.includes((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  }
}
