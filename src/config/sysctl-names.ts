// Kernel settings that go with balancing and that the daemon sets (src/daemon/sysctls.ts): a closed list, as each has
// its reason, and what the kernel does beside when it changes. All are of the network namespace, but those of neighbours, which
// the machine's first one has for all. Reference:
// Documentation/networking/ip-sysctl.rst.
//
// In a name a dot of a NIC's name is a slash, as sysctl(8) has it: net.ipv4.conf.eth0/100.rp_filter. What `all` has and what
// a NIC has is put together by the kernel, for each setting in a way of its own, so that some are needed for both.

/** Setting: which values it may have, single ones or from least to most; `nic`: of which NIC it is. */
export interface Setting {
  readonly name: string
  readonly values: readonly number[] | { readonly least: number; readonly most: number }
  readonly nic?: string
}

const flag = [0, 1]
/** SYSCTL_MOST: the largest value that any setting may have. */
export const SYSCTL_MOST = 1_048_576
const entries = { least: 128, most: SYSCTL_MOST }
/** Settings of the node. */
const ofNode: readonly Setting[] = [
  // servers with nat that have the node as their router reach all else through its kernel; translated traffic needs it not
  { name: 'net.ipv4.ip_forward', values: flag },
  { name: 'net.ipv6.conf.all.forwarding', values: flag },
  // programs of the node (a proxy, a check) that use a service address which another node holds
  { name: 'net.ipv4.ip_nonlocal_bind', values: flag },
  { name: 'net.ipv6.ip_nonlocal_bind', values: flag },
  // more servers on one network than the kernel has room for among its neighbours
  { name: 'net.ipv4.neigh.default.gc_thresh2', values: entries },
  { name: 'net.ipv4.neigh.default.gc_thresh3', values: entries },
  { name: 'net.ipv6.neigh.default.gc_thresh2', values: entries },
  { name: 'net.ipv6.neigh.default.gc_thresh3', values: entries },
]
/** Settings under net.ipv4.conf of all or a NIC. */
const conf4: readonly Setting[] = [
  // with nat and clients beside servers the node's kernel must not tell them of a shorter way, past the node
  { name: 'send_redirects', values: flag },
  { name: 'accept_redirects', values: flag },
  // clients and servers behind several NICs, and routes that are not symmetric
  { name: 'rp_filter', values: [0, 1, 2] },
  // who answers ARP for a service address that this node, too, has somewhere
  { name: 'arp_ignore', values: [0, 1, 2, 3, 8] },
  { name: 'arp_announce', values: [0, 1, 2] },
]
/** Settings under net.ipv6.conf of a NIC. */
const conf6: readonly Setting[] = [
  // with forwarding on, routers' advertisements are heard with 2 only; else a node loses its default route
  { name: 'accept_ra', values: [0, 1, 2] },
  { name: 'accept_redirects', values: flag },
]

const slashed = (nic: string): string => nic.replaceAll('.', '/')
const under = (prefix: string, settings: readonly Setting[]): Setting[] =>
  settings.map(({ name, values }) => ({ name: `${prefix}.${name}`, values }))

/** settingsOf a file with these NICs: all names that it may have, and whose they are. */
export function settingsOf(nics: readonly string[]): Setting[] {
  return [
    ...ofNode,
    ...under('net.ipv4.conf.all', conf4),
    ...nics.flatMap((nic) =>
      [
        ...under(`net.ipv4.conf.${slashed(nic)}`, conf4),
        ...under(`net.ipv6.conf.${slashed(nic)}`, conf6),
      ].map((setting) => ({ ...setting, nic })),
    ),
  ]
}

/** SYSCTL: a pattern of the names, whatever NICs a file has. */
export const SYSCTL = (() => {
  const names = (settings: readonly Setting[]) => settings.map(({ name }) => name).join('|')
  const nic = '[^.:\\s]{1,15}'
  return `(${names(ofNode).replaceAll('.', '\\.')}|net\\.ipv4\\.conf\\.${nic}\\.(${names(conf4)})|net\\.ipv6\\.conf\\.${nic}\\.(${names(conf6)}))`
})()
