// What kind of object a descriptor is: bpffs hands out maps, programs and links alike, and their information has no
// mark, so that one read as another would be nonsense. The kernel tells by the name of the anonymous file.
// Reference: anon_inode_getfd and anon_inode_getfile in kernel/bpf/syscall.c.

import { readlinkSync } from 'node:fs'
import { TenbinError } from '../base/errors.ts'
import type { Fd } from '../sys/fd.ts'

/** ObjectKind: what can be pinned. */
export type ObjectKind = 'map' | 'program' | 'link'

const kinds: Readonly<Record<string, ObjectKind>> = {
  'anon_inode:bpf-map': 'map',
  'anon_inode:bpf-prog': 'program',
  // bpf_link_prime spells it with _, bpf_link_new_fd with -
  'anon_inode:bpf_link': 'link',
  'anon_inode:bpf-link': 'link',
}

/** objectKind: undefined for a descriptor that is no BPF object (or BTF). */
export const objectKind = (fd: Fd): ObjectKind | undefined =>
  kinds[readlinkSync(`/proc/self/fd/${fd.number}`).replace(/[[\]]/g, '')]

/** expectKind throws BPF_OBJECT_UNEXPECTED, and closes the descriptor, when it is not of this kind. */
export function expectKind(fd: Fd, kind: ObjectKind): void {
  const found = objectKind(fd)
  if (found === kind) return
  fd[Symbol.dispose]()
  throw new TenbinError('BPF_OBJECT_UNEXPECTED', `open ${kind}`, {
    detail: `this is ${found ? `a ${found}` : 'no BPF object'}, not a ${kind}`,
  })
}
