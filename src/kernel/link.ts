// The link that holds an XDP program on an interface. Its idea: the interface keeps the program while the link lives,
// a pin keeps the link alive without us, and an update puts another program in its place in one step, between two
// packets. Nobody else can replace or detach a linked program by netlink. When the interface goes, the link stays
// behind severed, and a new one is needed. Left out: offload to network cards.
// Reference: dev_xdp_attach, bpf_xdp_link_update in net/core/dev.c; XDP_FLAGS_* in linux/if_link.h.

import { TenbinError } from '../base/errors.ts'
import type { Fd } from '../sys/fd.ts'
import { isErrno, SyscallError } from '../sys/syscall.ts'
import { Attr, bpf, bpfFd } from './bpf.ts'
import { type XdpLinkInfo, xdpLinkInfo } from './link-info.ts'
import { expectKind } from './object-kind.ts'
import type { BpfProgram } from './program.ts'
import { describeProgram, xdpLinks } from './query.ts'

const BPF_XDP = 37
const BPF_F_REPLACE = 1 << 2
const XDP_FLAGS_SKB_MODE = 1 << 1
const XDP_FLAGS_DRV_MODE = 1 << 2

/** XdpMode: in the driver, or behind it on what it made of the frame (slower, works with every driver). */
export type XdpMode = 'native' | 'generic'

/** Attachment: where a program goes. `attachedId` answers, from IFLA_XDP, which program is there, for the error. */
export interface Attachment {
  readonly ifindex: number
  /** The interface's name, for messages. */
  readonly name?: string
  readonly attachedId?: () => number | undefined
}

/** XdpLink: an owned link. Disposing closes it, which detaches the program unless the link is pinned. */
export class XdpLink implements Disposable {
  readonly fd: Fd

  private constructor(fd: Fd) {
    this.fd = fd
  }

  /**
   * attach puts `program` on an interface of this thread's network namespace. Throws XDP_OCCUPIED when a program is
   * there, SyscallError otherwise (EOPNOTSUPP: no native mode; EINVAL or ERANGE: no such interface, or the driver will
   * not with this MTU or these offloads).
   */
  static attach(program: BpfProgram, to: Attachment, mode: XdpMode): XdpLink {
    const op = `attach to ${to.name ?? `interface ${to.ifindex}`}`
    const attr = new Attr()
      .u32(0, program.fd.number)
      .u32(4, to.ifindex)
      .u32(8, BPF_XDP)
      .u32(12, mode === 'native' ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE)
    try {
      return new XdpLink(bpfFd('BPF_LINK_CREATE', op, attr))
    } catch (cause) {
      if (!isErrno(cause, 'EBUSY', 'EEXIST')) throw cause
      throw new TenbinError('XDP_OCCUPIED', op, { cause, detail: occupants(to) })
    }
  }

  /** adopt takes over a descriptor, of a pin for instance. Throws BPF_OBJECT_UNEXPECTED when it is no XDP link's. */
  static adopt(fd: Fd): XdpLink {
    expectKind(fd, 'link')
    if (xdpLinkInfo(fd)) return new XdpLink(fd)
    fd[Symbol.dispose]()
    throw new TenbinError('BPF_OBJECT_UNEXPECTED', 'open link', { detail: 'this is a link, but not of XDP' })
  }

  /** info: as of now. */
  info(): XdpLinkInfo {
    return xdpLinkInfo(this.fd)!
  }

  /** isSevered: the interface is gone, or the link was detached; update throws LINK_SEVERED then. */
  get isSevered(): boolean {
    return this.info().ifindex === 0
  }

  /**
   * update puts `next` in the place of the program that is there, between two packets. With `expected`, only in the
   * place of that one. Throws LINK_CHANGED when it is not there, LINK_SEVERED, SyscallError; nothing changes then.
   */
  update(next: BpfProgram, expected?: BpfProgram): void {
    const op = `replace the program of link ${this.info().id}`
    const attr = new Attr().u32(0, this.fd.number).u32(4, next.fd.number)
    if (expected) attr.u32(8, BPF_F_REPLACE).u32(12, expected.fd.number)
    try {
      bpf('BPF_LINK_UPDATE', op, attr)
    } catch (cause) {
      const there = this.info().programId
      if (expected && isErrno(cause, 'EPERM') && there !== expected.info.id)
        throw new TenbinError('LINK_CHANGED', op, { cause, detail: `${describeProgram(there)} is on it` })
      throw isErrno(cause, 'ENOLINK') ? new TenbinError('LINK_SEVERED', op, { cause }) : cause
    }
  }

  /** detach takes the program off at once, pinned or not; the link is severed afterwards. Again does nothing. */
  detach(): void {
    bpf('BPF_LINK_DETACH', `detach link ${this.info().id}`, new Attr().u32(0, this.fd.number))
  }

  [Symbol.dispose](): void {
    this.fd[Symbol.dispose]()
  }
}

function occupants({ ifindex, attachedId }: Attachment): string {
  const known = attachedId?.()
  const links = [...xdpLinks()].filter(
    (link) => link.ifindex === ifindex && (known ?? link.programId) === link.programId,
  )
  if (known !== undefined)
    return `${describeProgram(known)} is attached there${links[0] ? ` by link ${links[0].id}` : ''}`
  if (links.length === 0) return 'a program is attached there without a link, or in another mode'
  const [first] = links
  if (links.length === 1) return `${describeProgram(first!.programId)} is attached there by link ${first!.id}`
  const all = links.map(({ id, programId }) => `${describeProgram(programId)} by link ${id}`)
  return `one of these is attached there: ${all.join(', ')}`
}

/** Attached: a new link, and why it is not native where it is not. */
export interface Attached {
  readonly link: XdpLink
  readonly mode: XdpMode
  readonly why?: string
}

/** attachXdp: native where the driver can, else generic. Throws as XdpLink.attach; of two refusals the first. */
export function attachXdp(program: BpfProgram, to: Attachment): Attached {
  try {
    return { link: XdpLink.attach(program, to, 'native'), mode: 'native' }
  } catch (native) {
    if (!(native instanceof SyscallError)) throw native
    try {
      return {
        link: XdpLink.attach(program, to, 'generic'),
        mode: 'generic',
        why: native.detail ?? native.errno,
      }
    } catch {
      throw native
    }
  }
}
