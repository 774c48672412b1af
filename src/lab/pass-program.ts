// The program on the switch's side of a balancer's cable: it passes every frame but those to addresses that are nobody's, which
// an attack seems to come from (attack-shape.ts): these end here, as they would somewhere in the Internet. Without a program
// of its own that side has no NAPI, and veth loses what XDP on the other side sends (drivers/net/veth.c: veth_xdp_xmit,
// ndo_xdp_xmit of a peer). It is attached by netlink and not by a bpf_link, because such an attachment lives exactly as
// long as its device: it outlives the command and goes with the namespace.

import { type Ip6, parseIp, parseIp4 } from '../base/addresses.ts'
import type { Builder } from '../bpf/builder.ts'
import type { Label } from '../bpf/isa.ts'
import { bytes } from '../bpf/types.ts'
import { be16, be32, eq, ge, ne, type Pointer, part } from '../bpf/values.ts'
import { plainFunction, program } from '../bpf/xdp.ts'
import { ETH_P_IP, ETH_P_IPV6, Ethernet, Ipv4, Ipv6 } from '../dataplane/headers.ts'
import { ensureBpffs, PinDirectory } from '../kernel/pin.ts'
import { loadProgram } from '../kernel/program.ts'
import { NOBODYS } from './attack-shape.ts'
import { batch } from './run.ts'

/** enum xdp_action, linux/bpf.h. */
const [XDP_DROP, XDP_PASS] = [1, 2]

/** passProgram: what is on the switch's side. */
export const passProgram = () =>
  program(
    'tenbin_lab_pass',
    plainFunction('pass', (p) => {
      const { data, end } = p.packet()
      const pass = p.label('pass')
      const { eth } = p.headers(data, end, { eth: Ethernet }, pass)
      const type = p.load(eth.type)
      p.exitIf(eq(type, be16(ETH_P_IP)), () => swallow4(p, data, end, pass))
      p.jumpIf(ne(type, be16(ETH_P_IPV6)), pass)
      swallow6(p, data, end, pass)
      p.bind(pass)
      p.exitValue(XDP_PASS)
    }),
  )

function swallow4(p: Builder, data: Pointer, end: Pointer, pass: Label): void {
  const { ip } = p.headers(data, end, { eth: Ethernet, ip: Ipv4 }, pass)
  const network = part({ ...ip.destination, type: bytes(4) }, 0, 'be16')
  p.jumpIf(ne(p.load(network), be16(parseIp4(NOBODYS[4].address) >>> 16)), pass)
  p.exitValue(XDP_DROP)
}

function swallow6(p: Builder, data: Pointer, end: Pointer, pass: Label): void {
  const nobodys = parseIp(NOBODYS[6].address) as Ip6
  const { ip } = p.headers(data, end, { eth: Ethernet, ip: Ipv6 }, pass)
  p.jumpIf(ne(p.load(part(ip.destination, 0, 'be32')), be32(Number(nobodys >> 96n))), pass)
  p.jumpIf(ne(p.load(part(ip.destination, 4, 'be16')), be16(Number((nobodys >> 80n) & 0xffffn))), pass)
  p.jumpIf(ge(p.toHost(p.load(part(ip.destination, 6, 'be16'))), 0x8000), pass)
  p.exitValue(XDP_DROP)
}

/**
 * passAll attaches it to interfaces of a namespace, in native mode. `pins`: an instance name for the pin by which ip(8)
 * finds the program meanwhile. Throws LAB_COMMAND_FAILED, and what loading throws.
 */
export async function passAll(namespace: string, devices: readonly string[], pins: string): Promise<void> {
  using program = loadProgram(passProgram().spec).program
  ensureBpffs()
  const directory = PinDirectory.open(pins)
  try {
    directory.replace('pass', program.fd)
    await batch(
      namespace,
      devices.map((device) => `link set dev ${device} xdpdrv pinned ${directory.path}/pass`),
    )
  } finally {
    directory.remove()
  }
}
