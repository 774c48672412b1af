// Names of network namespaces: files in /run/netns on which the namespace is mounted, as `ip netns` makes and finds
// them (ip-netns(8)). A name keeps its namespace alive without any process. The directory is a shared mount, so that
// names made here appear in other mount namespaces too. Left out: /etc/netns, numbers for RTM_NEWNSID.

import { readdirSync } from 'node:fs'
import { invariant } from '../base/errors.ts'
import { Fd } from './fd.ts'
import { NetworkNamespace, THREAD_NAMESPACE } from './namespace.ts'
import { during, isErrno, nativeCall } from './syscall.ts'

const open = nativeCall('open', 'int', ['string', 'int', 'int'])
const mkdir = nativeCall('mkdir', 'int', ['string', 'int'])
const mount = nativeCall('mount', 'int', ['string', 'string', 'string', 'size_t', 'buffer'])
const umount = nativeCall('umount2', 'int', ['string', 'int'])
const unlink = nativeCall('unlink', 'int', ['string'])

const DIRECTORY = '/run/netns'
const MS_BIND = 0x1000
const MS_REC = 0x4000
const MS_SHARED = 0x100000
const MNT_DETACH = 2
const O_CREAT_EXCL_CLOEXEC = 0o100 | 0o200 | 0o2000000

/** namespacePath: where a named namespace is. */
export function namespacePath(name: string): string {
  invariant(
    name !== '' && name !== '.' && name !== '..' && !name.includes('/'),
    `a namespace named "${name}"`,
  )
  return `${DIRECTORY}/${name}`
}

/** createNamed makes a namespace with a name; the caller owns the handle. Throws SyscallError (EEXIST, EPERM, EROFS). */
export function createNamed(name: string): NetworkNamespace {
  const path = namespacePath(name)
  return during(`create namespace ${name}`, () => {
    makeDirectory()
    shareDirectory()
    Fd.own(open(path, O_CREAT_EXCL_CLOEXEC, 0))[Symbol.dispose]()
    let namespace: NetworkNamespace | undefined
    try {
      namespace = NetworkNamespace.create()
      namespace.run(() => mount(THREAD_NAMESPACE, path, 'none', MS_BIND, null))
      return namespace
    } catch (error) {
      namespace?.[Symbol.dispose]()
      unlink.attempt(path)
      throw error
    }
  })
}

/** openNamed: a namespace by its name. Throws SyscallError (ENOENT). */
export const openNamed = (name: string): NetworkNamespace => NetworkNamespace.open(namespacePath(name))

/** removeNamed takes a name away; false where there was none. What still runs in the namespace goes on. */
export function removeNamed(name: string): boolean {
  const path = namespacePath(name)
  // A name on which nothing is mounted (EINVAL) is left from a creation that broke off.
  umount.attempt(path, MNT_DETACH)
  try {
    during(`remove namespace ${name}`, () => unlink(path))
    return true
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw error
  }
}

/** namespaceNames: all names there are. */
export function namespaceNames(): string[] {
  try {
    return readdirSync(DIRECTORY).sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function makeDirectory(): void {
  try {
    during(`make ${DIRECTORY}`, () => mkdir(DIRECTORY, 0o755))
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
  }
}

function shareDirectory(): void {
  const share = (): number => mount.attempt('', DIRECTORY, 'none', MS_SHARED | MS_REC, null)
  if (share() >= 0) return
  // Not a mount yet: make it one of itself.
  mount(DIRECTORY, DIRECTORY, 'none', MS_BIND | MS_REC, null)
  during(`share ${DIRECTORY}`, () => mount('', DIRECTORY, 'none', MS_SHARED | MS_REC, null))
}
