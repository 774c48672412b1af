// The program on the switch's side of a balancer's cable: it passes every frame. Without a program of its own that side
// has no NAPI, and veth loses what XDP on the other side sends (drivers/net/veth.c: veth_xdp_xmit, ndo_xdp_xmit of a
// peer). It is attached by netlink and not by a bpf_link, because such an attachment lives exactly as long as its device:
// it outlives the command and goes with the namespace.

import { handCode, returning } from '../kernel/hand-code.ts'
import { ensureBpffs, PinDirectory } from '../kernel/pin.ts'
import { loadProgram } from '../kernel/program.ts'
import { batch } from './run.ts'

/** enum xdp_action, linux/bpf.h. */
const XDP_PASS = 2

/**
 * passAll attaches it to interfaces of a namespace, in native mode. `pins`: an instance name for the pin by which ip(8)
 * finds the program meanwhile. Throws LAB_COMMAND_FAILED, and what loading throws.
 */
export async function passAll(namespace: string, devices: readonly string[], pins: string): Promise<void> {
  const code = handCode(...returning(XDP_PASS))
  using program = loadProgram({ name: 'tenbin_lab_pass', code, relocations: [], maps: [], flags: 0 }).program
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
