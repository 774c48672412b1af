// SYNs as clients of many kinds send them: window, options in their order, TTL, IPv4 identification, and by which timer they
// are sent again. After published signatures (p0f 3's database, "tcp:request") and the systems' sources; timers: RFC 6298
// (1 s to begin with, 3 s before), Linux: net/ipv4/tcp_input.c, tcp_rcv_synsent_state_process: a SYN whose acknowledgement
// was refused goes out again after TCP_TIMEOUT_MIN. Pure data, for whoever replays them or asks a rule about them.

/** ClientShape: `options`: of the SYN, padded to words. `againMs`: after a SYN that nobody answers; doubled each time. */
export interface ClientShape {
  readonly name: string
  readonly window: number
  readonly options: readonly number[]
  readonly ttl: number
  readonly dontFragment: boolean
  readonly againMs: number
  /** refusedMs: the SYN again after so long when a challenge was refused; absent: by the timer that runs. */
  readonly refusedMs?: number
  /** halfOpen: content with a SYN-ACK, which it answers with RST: a health checker's way. */
  readonly halfOpen?: true
}

const mss = (bytes: number): number[] => [2, 4, bytes >> 8, bytes & 0xff]
const scale = (shift: number): number[] => [3, 3, shift]
const [nop, eol] = [[1], [0]]
const sack = [4, 2]
const stamps = [8, 10, 0x12, 0x34, 0x56, 0x78, 0, 0, 0, 0]
/** padded with ends of the list to whole words. */
const padded = (...parts: readonly (readonly number[])[]): readonly number[] => {
  const all = parts.flat()
  return [...all, ...Array<number>((4 - (all.length % 4)) % 4).fill(0)]
}

const linux = { ttl: 64, dontFragment: true, againMs: 1000, refusedMs: 10 } as const
const windows = { ttl: 128, dontFragment: true, againMs: 1000 } as const
const apple = { ttl: 64, dontFragment: true, againMs: 1000, window: 65_535 } as const
const appleOptions = padded(mss(1460), nop, scale(6), nop, nop, stamps, sack, eol)

/** CLIENT_SHAPES: one of each kind. */
export const CLIENT_SHAPES: readonly ClientShape[] = [
  { name: 'Linux 6', window: 64_240, options: padded(mss(1460), sack, stamps, nop, scale(7)), ...linux },
  {
    name: 'Linux 2.6',
    window: 5840,
    options: padded(mss(1460), sack, stamps, nop, scale(7)),
    ...linux,
    againMs: 3000,
  },
  {
    name: 'Linux, path of 1,400 bytes',
    window: 63_480,
    options: padded(mss(1360), sack, stamps, nop, scale(10)),
    ...linux,
  },
  {
    name: 'Linux without timestamps',
    window: 64_240,
    options: padded(mss(1460), nop, nop, sack, nop, scale(7)),
    ...linux,
  },
  { name: 'Android 14', window: 65_535, options: padded(mss(1460), sack, stamps, nop, scale(9)), ...linux },
  {
    name: 'Windows 11',
    window: 64_240,
    options: padded(mss(1460), nop, scale(8), nop, nop, sack),
    ...windows,
  },
  {
    name: 'Windows 10, 65,535',
    window: 65_535,
    options: padded(mss(1460), nop, scale(8), nop, nop, sack),
    ...windows,
  },
  {
    name: 'Windows 7',
    window: 8192,
    options: padded(mss(1460), nop, scale(2), nop, nop, sack),
    ...windows,
    againMs: 3000,
  },
  {
    name: 'Windows XP',
    window: 65_535,
    options: padded(mss(1460), nop, nop, sack),
    ...windows,
    againMs: 3000,
  },
  { name: 'Windows 98', window: 8192, options: padded(mss(1460), nop, nop, sack), ...windows, againMs: 3000 },
  { name: 'macOS 14', options: appleOptions, ...apple },
  { name: 'iOS 17', options: padded(mss(1460), nop, scale(7), nop, nop, stamps, sack, eol), ...apple },
  {
    name: 'FreeBSD 14',
    window: 65_535,
    options: padded(mss(1460), nop, scale(6), sack, stamps),
    ttl: 64,
    dontFragment: true,
    againMs: 1000,
  },
  {
    name: 'OpenBSD 7',
    window: 16_384,
    options: padded(mss(1460), nop, nop, sack, nop, scale(6), nop, nop, stamps),
    ttl: 64,
    dontFragment: true,
    againMs: 1000,
  },
  {
    name: 'Solaris 11',
    window: 64_240,
    options: padded(nop, scale(3), sack, stamps, mss(1460)),
    ttl: 64,
    dontFragment: true,
    againMs: 1000,
  },
  {
    name: 'lwIP, a meter',
    window: 2144,
    options: padded(mss(536)),
    ttl: 255,
    dontFragment: false,
    againMs: 1500,
  },
  {
    name: 'lwIP, window of one segment',
    window: 536,
    options: padded(mss(536)),
    ttl: 255,
    dontFragment: false,
    againMs: 1500,
  },
  { name: 'a printer, no options', window: 4096, options: [], ttl: 60, dontFragment: false, againMs: 1000 },
  {
    name: 'a controller, no options, window 512',
    window: 512,
    options: [],
    ttl: 32,
    dontFragment: false,
    againMs: 1000,
  },
  {
    name: 'a load balancer that checks',
    window: 4380,
    options: padded(mss(1460), sack, eol, eol),
    ttl: 255,
    dontFragment: true,
    againMs: 1000,
  },
  {
    name: 'a checker that opens half',
    window: 1024,
    options: padded(mss(1460)),
    ttl: 64,
    dontFragment: false,
    againMs: 1000,
    halfOpen: true,
  },
] // prettier-ignore
