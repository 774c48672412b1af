// What is in the kernel already, ours or not. Its idea: ids are walked in the kernel's order and opened one by one;
// what vanishes in between is skipped. Whatever was attached without a link is invisible here: rtnetlink's IFLA_XDP
// names that program by its id. Reference: BPF_*_GET_NEXT_ID and BPF_*_GET_FD_BY_ID in linux/bpf.h.

import { errnoNumber } from '../sys/errno.ts'
import { Fd } from '../sys/fd.ts'
import { Attr, attempt, type Command, refusal } from './bpf.ts'
import { type XdpLinkInfo, xdpLinkInfo } from './link-info.ts'
import { BpfMap } from './map.ts'
import { BpfProgram } from './program.ts'

function* ids(command: Command): Generator<number> {
  for (let id = 0; ; ) {
    const attr = new Attr().u32(0, id)
    const result = attempt(command, attr)
    if (-result === errnoNumber('ENOENT')) return
    if (result < 0) throw refusal(command, 'walk objects', -result)
    id = attr.bytes.readUInt32LE(4)
    yield id
  }
}

function byId(command: Command, id: number): Fd | undefined {
  const result = attempt(command, new Attr().u32(0, id))
  if (result >= 0) return Fd.own(result)
  if (-result === errnoNumber('ENOENT')) return undefined
  throw refusal(command, `open object ${id}`, -result)
}

/** programById: owned by the caller; undefined when there is none. Throws SyscallError. */
export function programById(id: number): BpfProgram | undefined {
  const fd = byId('BPF_PROG_GET_FD_BY_ID', id)
  return fd && BpfProgram.adopt(fd)
}

/** mapById: owned by the caller; undefined when there is none. Throws SyscallError. */
export function mapById(id: number): BpfMap | undefined {
  const fd = byId('BPF_MAP_GET_FD_BY_ID', id)
  return fd && BpfMap.adopt(fd)
}

/** programIds: of all programs, ascending. */
export const programIds = (): Generator<number> => ids('BPF_PROG_GET_NEXT_ID')

/** xdpLinks: of all XDP links of this machine, in whatever network namespace. */
export function* xdpLinks(): Generator<XdpLinkInfo> {
  for (const id of ids('BPF_LINK_GET_NEXT_ID')) {
    using fd = byId('BPF_LINK_GET_FD_BY_ID', id)
    const info = fd && xdpLinkInfo(fd)
    if (info) yield info
  }
}

/** describeProgram: `program 12 ("name", tag 0123456789abcdef)`, for a reader who has to find its owner. */
export function describeProgram(id: number): string {
  using program = programById(id)
  return program ? `program ${id} ("${program.info.name}", tag ${program.info.tag})` : `program ${id}`
}
