// Error codes of the kernel's objects: programs, pins, links, netlink, settings, and what of them does not stay as it was applied.
// Sorted by code; error-catalogue.ts says how they are written and joins them with those of the other areas.

import { type Entry, entry } from './entry.ts'

/** kernelErrors: code -> meaning and remedy. */
export const kernelErrors = {
  BPF_CODE_INVALID: entry(
    'these bytes are no eBPF program that tenbin can read',
    'they were cut short or changed, or another tool made them: load a program that this version built',
  ),
  BPF_FAULT: entry(
    'an interpreted program did what the kernel would not let it do',
    'the slot named says where: see it in `tenbin debug listing`',
  ),
  BPF_OBJECT_UNEXPECTED: entry(
    'a pin holds another kind of object than it should',
    'another tool, or another version, made it: look with `bpftool`, then remove it with `tenbin down`',
  ),
  BTF_REFUSED: entry(
    "the kernel refused the program's type information",
    'the message ends with its words; report it as a bug, with the kernel version',
  ),
  CHANGED_AGAIN: entry(
    'something in the kernel that tenbin looks after is changed by somebody again and again',
    'find who does it (another instance, a script, a network manager) and end that; it is put right each time',
  ),
  LINK_CHANGED: entry(
    'another program is on the link than the one to be replaced',
    'another process changed it: run one daemon for an instance, and apply again',
  ),
  LINK_SEVERED: entry(
    'the link has lost its interface',
    'the interface was removed, or the link detached by hand: attach anew, by apply or a restart',
  ),
  NETLINK_DUMP_CHANGED: entry(
    'a table of the kernel changed every time while it was read',
    'try again when the network is quieter',
  ),
  NETLINK_MALFORMED: entry(
    "the kernel's netlink message cannot be read",
    'report it with the kernel version: this kernel writes what tenbin does not know',
  ),
  NETLINK_TIMEOUT: entry(
    'the kernel did not answer about the network in time',
    'look for a driver or a process that blocks it (dmesg: hung task); then try again',
  ),
  NOT_HEALED: entry(
    'something in the kernel is not as it was applied, and could not be put right',
    'the message, or the problem beside it, says why; it is tried again by itself',
  ),
  NOT_SUPPORTED: entry(
    'this kernel or machine lacks what tenbin needs',
    'the message names what and the remedy; Linux 6.1 with BPF, BTF and XDP is enough',
  ),
  PINS_DAMAGED: entry(
    'what is pinned is not a whole packet path',
    'run `tenbin down` and start again: forwarding stops in between',
  ),
  PINS_ELSEWHERE: entry(
    'this process sees other mounts than the machine, and no bpffs among them',
    'instead of `ip netns exec NAME` use `nsenter --net=/run/netns/NAME`; or mount one first (mount -t bpf bpf /sys/fs/bpf)',
  ),
  PINS_NEWER: entry(
    'what is pinned in the kernel was made by a newer tenbin',
    'run that newer version, or `tenbin down` first: forwarding stops until this one has started',
  ),
  SELF_TEST_FAILED: entry(
    'the new program does not do what it was generated for',
    'what ran before still runs; this is a bug of tenbin or of the kernel: report it with `tenbin debug listing`',
  ),
  SYSCALL_FAILED: entry(
    'the kernel refused what tenbin asked for',
    'the message names the call and the reason; `man 2 CALL` explains it',
  ),
  SYSCTL_MISSING: entry(
    'a kernel setting that the file names does not exist here',
    'take it out of `sysctls`, or make it appear: a module, an interface, IPv6 switched on',
  ),
  SYSCTL_OTHER: entry(
    'a kernel setting has another value than the file says',
    'somebody sets it again and again, or the kernel refused: look who (/etc/sysctl.d); it is set again by itself',
  ),
  VERIFIER_REFUSED: entry(
    "the kernel's verifier refused the program",
    'where it says that the program is too large, have fewer rules, networks and payloads; else report it as a bug, with the kernel version and the log',
  ),
  XDP_OCCUPIED: entry(
    'another XDP program is attached to the interface',
    'end what put it there (`tenbin down --instance NAME`, `ip link set dev NIC xdp off`, or its own command), or use another interface',
  ),
} as const satisfies Record<string, Entry>
