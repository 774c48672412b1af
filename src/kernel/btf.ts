// Type information for the kernel. Its idea: a blob goes in, a descriptor comes out that maps and programs name when
// they are made; they hold it themselves afterwards. A refusal carries the kernel's last words about the blob.
// Reference: BPF_BTF_LOAD in linux/bpf.h, kernel/bpf/btf.c.

import { TenbinError } from '../base/errors.ts'
import { Fd } from '../sys/fd.ts'
import { Attr, attempt, refusal } from './bpf.ts'

const LOG_BYTES = 1 << 20

/** loadBtf: owned by the caller, who may close it once maps and programs are made. Throws BTF_REFUSED, SyscallError. */
export function loadBtf(blob: Uint8Array): Fd {
  const attr = (): Attr => new Attr().pointer(0, blob).u32(16, blob.length)
  const result = attempt('BPF_BTF_LOAD', attr())
  if (result >= 0) return Fd.own(result)
  const cause = refusal('BPF_BTF_LOAD', 'load BTF', -result)
  const log = Buffer.alloc(LOG_BYTES)
  const again = attempt('BPF_BTF_LOAD', attr().pointer(8, log).u32(20, LOG_BYTES).u32(24, 1))
  if (again >= 0) return Fd.own(again)
  const words = log.toString('utf8', 0, log.indexOf(0)).trim().split('\n').at(-1)
  if (!words) throw cause
  throw new TenbinError('BTF_REFUSED', 'load BTF', { cause, detail: words })
}
