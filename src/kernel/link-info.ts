// What the kernel says of a link, the object that holds a program on an interface. An interface's index is that of
// the network namespace it lives in, which the kernel does not tell: two links may name one index and mean two.
// Reference: struct bpf_link_info in linux/bpf.h.

import type { Fd } from '../sys/fd.ts'
import { objectInfo } from './bpf.ts'

const BPF_LINK_TYPE_XDP = 6
const INFO_BYTES = 64

/** XdpLinkInfo: `ifindex` is 0 when the interface is gone or the link was detached (a severed link). */
export interface XdpLinkInfo {
  readonly id: number
  readonly programId: number
  readonly ifindex: number
}

/** xdpLinkInfo: undefined for a link of another type. */
export function xdpLinkInfo(fd: Fd): XdpLinkInfo | undefined {
  const info = objectInfo(fd, 'ask for a link', Buffer.alloc(INFO_BYTES))
  if (info.readUInt32LE(0) !== BPF_LINK_TYPE_XDP) return undefined
  return { id: info.readUInt32LE(4), programId: info.readUInt32LE(8), ifindex: info.readUInt32LE(16) }
}
