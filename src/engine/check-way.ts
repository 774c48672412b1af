// The way of checks that go through service addresses, in the kernel: a network namespace with the node's own addresses,
// a veth out of it, a program on either end, the map of ports (dataplane/turn.ts). Its idea: everything has a name that
// follows from the instance's, so whoever comes later finds it, and what is not as it should be is made anew; a look that
// is under way then is lost, and nothing else. Left out: answers on their way in, which the packet path takes.
//
//   /run/netns/tenbin-<instance>-checks    eth0: the node's addresses, no ARP, a route for everything
//   checks-<8 digits>                      this side's end
//   /sys/fs/bpf/tenbin/<instance>/         turns, turn-in, turn-out

import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type Ip, isIp4 } from '../base/addresses.ts'
import { BPF_F_XDP_HAS_FRAGS } from '../bpf/xdp.ts'
import { checkNamespace, INNER_MAC, INNER_NAME, TURNS_PIN } from '../dataplane/turn.ts'
import { turnOut } from '../dataplane/turn-out.ts'
import { handCode, returning } from '../kernel/hand-code.ts'
import { XdpLink, type XdpMode } from '../kernel/link.ts'
import { BpfMap } from '../kernel/map.ts'
import { PinDirectory } from '../kernel/pin.ts'
import { type BpfProgram, loadProgram } from '../kernel/program.ts'
import { addAddress, listAddresses, removeAddress } from '../netlink/addresses.ts'
import { Connection } from '../netlink/connection.ts'
import { getLink } from '../netlink/links.ts'
import { openTransport } from '../netlink/route-socket.ts'
import { addDefaultRoute, addVeth, removeLink, switchOn } from '../netlink/veth.ts'
import { createNamed, openNamed, removeNamed } from '../sys/named-namespace.ts'
import { ownChecksums } from '../sys/offload.ts'
import { isErrno } from '../sys/syscall.ts'

/** enum xdp_action, linux/bpf.h. */
const XDP_PASS = 2
const [IN, OUT] = ['turn-in', 'turn-out']
/**
 * HOPS: what the checks' packets may pass: a server that hands them on to something inside of itself, but nobody who would
 * send them back to a balancer, which needs one more. So a server without the address cannot answer by another one.
 */
const HOPS = 2

/** WantedWay: the node's own addresses with their prefixes, and the smallest MTU of its interfaces. */
export interface WantedWay {
  readonly addresses: readonly { readonly address: Ip; readonly prefix: number }[]
  readonly mtu: number
}

export class CheckWay {
  readonly #instance: string
  /** The programs are of this process's making. */
  #isOwn = false
  /** The map of a way that is not open yet. */
  #map: BpfMap | undefined

  constructor(instance: string) {
    this.#instance = instance
  }

  /** isThere: some of it, from whenever. */
  get isThere(): boolean {
    return existsSync(`/run/netns/${checkNamespace(this.#instance)}`)
  }

  /**
   * ensure that the way is there and as wanted: the index of the veth's end on this side, and what had to be done where
   * something was there. A new one is closed until open(): answers could not come back yet. Throws SyscallError,
   * VerifierError.
   */
  ensure(wanted: WantedWay): { readonly ifindex: number; readonly notes: readonly string[] } {
    const wrong = this.isThere ? this.#broken(wanted) : []
    const isNew = !this.isThere || wrong.length > 0
    if (isNew) this.#build(wanted)
    else if (!this.#isOwn) this.#renew()
    this.#isOwn = true
    using netlink = openNetlink()
    const { index } = getLink(netlink, vethOf(this.#instance))!
    for (const path of forwardingOf(vethOf(this.#instance))) write(path, '1')
    this.#inside(() => settleAddresses(wanted))
    return { ifindex: index, notes: wrong.length > 0 ? [`${wrong.join('; ')}: made anew`] : [] }
  }

  /** open: the packet path takes answers in now; looks may begin, which is told by the map's pin. */
  open(): void {
    if (!this.#map) return
    PinDirectory.open(this.#instance).replace(TURNS_PIN, this.#map.fd)
    this.#forget()
  }

  #forget(): void {
    this.#map?.[Symbol.dispose]()
    this.#map = undefined
  }

  /** drift: what is no longer as ensure left it. */
  drift(wanted: WantedWay): string[] {
    if (!this.isThere) return ['the namespace of the checks is gone']
    const wrong = this.#broken(wanted)
    if (wrong.length > 0) return wrong
    const closed = forwardingOf(vethOf(this.#instance)).some((path) => read(path) === '0')
    const addresses = this.#inside(() => {
      using netlink = openNetlink()
      return difference(netlink, wanted).length > 0
    })
    return [
      ...(closed ? ['the checks’ veth is not asked for its routes: forwarding is off'] : []),
      ...(addresses ? ['the namespace of the checks has other addresses than the node'] : []),
    ]
  }

  /** remove all of it, from whenever; what was there. */
  remove(): string[] {
    this.#isOwn = false
    this.#forget()
    const name = vethOf(this.#instance)
    using netlink = openNetlink()
    const removed = removeLink(netlink, name) ? [`veth ${name}`] : []
    const namespace = checkNamespace(this.#instance)
    if (this.isThere && removeNamed(namespace)) removed.push(`network namespace ${namespace}`)
    const pins = PinDirectory.find(this.#instance)
    for (const pin of [IN, OUT, TURNS_PIN]) pins?.unpin(pin)
    return removed
  }

  #inside<Result>(work: () => Result): Result {
    using place = openNamed(checkNamespace(this.#instance))
    return place.run(work)
  }

  /** #broken: what cannot be mended where it is. */
  #broken({ mtu }: WantedWay): string[] {
    const name = vethOf(this.#instance)
    using netlink = openNetlink()
    const outer = getLink(netlink, name)
    if (!outer) return [`${name} is gone`]
    const inner = this.#inner()
    if (!inner?.isUp || !outer.isUp) return [`${name} is off, or its other end is gone`]
    if (inner.mtu !== mtu || outer.mtu !== mtu) return [`${name} has another MTU than the node’s interfaces`]
    const pins = PinDirectory.find(this.#instance)
    using map = pins?.get(TURNS_PIN)
    const isOn = (pin: string, ifindex: number): boolean => {
      const fd = pins?.get(pin)
      using link = fd && XdpLink.adopt(fd)
      return link?.info().ifindex === ifindex
    }
    return map && isOn(OUT, outer.index) && isOn(IN, inner.index) ? [] : [`a program of ${name} is gone`]
  }

  #inner() {
    try {
      return this.#inside(() => {
        using netlink = openNetlink()
        return getLink(netlink, INNER_NAME)
      })
    } catch (error) {
      // a name on which nothing is mounted is no namespace
      if (isErrno(error, 'EINVAL', 'ENOENT')) return undefined
      throw error
    }
  }

  #build(wanted: WantedWay): void {
    this.remove()
    try {
      const name = vethOf(this.#instance)
      using namespace = createNamed(checkNamespace(this.#instance))
      using netlink = openNetlink()
      addVeth(netlink, { name, peer: INNER_NAME, mac: INNER_MAC, namespace, mtu: wanted.mtu })
      const { index } = getLink(netlink, name)!
      // nobody talks by it but these programs
      write(`/proc/sys/net/ipv6/conf/${name}/addr_gen_mode`, '1')
      const built = turnOut(index)
      const map = BpfMap.create(built.spec.maps[0]!)
      this.#map = map
      using out = loadProgram(built.spec, new Map([[map.info.name, map]])).program
      this.#attach(OUT, out, index, 'generic')
      namespace.run(() => {
        using within = openNetlink()
        const inner = getLink(within, INNER_NAME)!.index
        for (const [path, value] of innerSettings) write(path, value)
        ownChecksums(INNER_NAME)
        using pass = loadProgram(passing).program
        this.#attach(IN, pass, inner, 'native')
        switchOn(within, inner, { arp: false })
      })
      switchOn(netlink, index)
    } catch (error) {
      this.remove()
      throw error
    }
  }

  #attach(pin: string, program: BpfProgram, ifindex: number, mode: XdpMode): void {
    using link = XdpLink.attach(program, { ifindex, name: pin }, mode)
    PinDirectory.open(this.#instance).replace(pin, link.fd)
  }

  /** #renew: the program that an earlier process made, which may have been another version, in one step. */
  #renew(): void {
    const pins = PinDirectory.open(this.#instance)
    using map = BpfMap.adopt(pins.get(TURNS_PIN)!)
    using link = XdpLink.adopt(pins.get(OUT)!)
    const built = turnOut(link.info().ifindex)
    using out = loadProgram(built.spec, new Map([[map.info.name, map]])).program
    link.update(out)
  }
}

/** vethOf: this side's end; names of interfaces are short, those of instances need not be. */
export const vethOf = (instance: string): string =>
  `checks-${createHash('sha256').update(instance).digest('hex').slice(0, 8)}`

const openNetlink = (): Connection => new Connection(openTransport())

/** forwardingOf: without it the kernel is asked for no route on behalf of the veth (bpf_fib_lookup). No packet takes it. */
const forwardingOf = (name: string): string[] =>
  ['ipv4', 'ipv6'].map((family) => `/proc/sys/net/${family}/conf/${name}/forwarding`)

/** Nobody inside is told of routers or waits for duplicates. */
const innerSettings: readonly (readonly [string, string])[] = [
  ['/proc/sys/net/ipv4/ip_default_ttl', String(HOPS)],
  [`/proc/sys/net/ipv6/conf/${INNER_NAME}/disable_ipv6`, '0'],
  [`/proc/sys/net/ipv6/conf/${INNER_NAME}/addr_gen_mode`, '1'],
  [`/proc/sys/net/ipv6/conf/${INNER_NAME}/accept_ra`, '0'],
  [`/proc/sys/net/ipv6/conf/${INNER_NAME}/hop_limit`, String(HOPS)],
]

/** passing: without a program of its own an end gets no frames that are redirected to it (net: veth_xdp_xmit). */
const passing = {
  name: 'tenbin_turn_in',
  code: handCode(...returning(XDP_PASS)),
  relocations: [],
  maps: [],
  flags: BPF_F_XDP_HAS_FRAGS,
}

/** What a kernel without IPv6 has not is not set. */
const write = (path: string, value: string): void => {
  if (existsSync(path)) writeFileSync(path, value)
}
const read = (path: string): string | undefined =>
  existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined

/** Difference: an address that is to be added, or to go. */
interface Difference {
  readonly ifindex: number
  readonly address: Ip
  readonly prefix: number
  readonly isMissing: boolean
}

/** once: of an address that several interfaces have the one with the largest network; there is room for one. */
const once = (addresses: WantedWay['addresses']): WantedWay['addresses'] =>
  addresses.filter(
    (each, at) =>
      !addresses.some(
        ({ address, prefix }, other) =>
          address === each.address && (prefix < each.prefix || (prefix === each.prefix && other < at)),
      ),
  )

/** difference between what the namespace has and what is wanted; to be asked inside. */
function difference(netlink: Connection, wanted: WantedWay): Difference[] {
  const addresses = once(wanted.addresses)
  const ifindex = getLink(netlink, INNER_NAME)!.index
  const has = listAddresses(netlink, ifindex)
  const isIn = (list: WantedWay['addresses'], { address, prefix }: WantedWay['addresses'][number]) =>
    list.some((each) => each.address === address && each.prefix === prefix)
  return [
    ...has
      .filter((each) => !isIn(addresses, each))
      .map(({ address, prefix }) => ({ ifindex, address, prefix, isMissing: false })),
    ...addresses.filter((each) => !isIn(has, each)).map((each) => ({ ...each, ifindex, isMissing: true })),
  ]
}

function settleAddresses(wanted: WantedWay): void {
  using netlink = openNetlink()
  const gone = difference(netlink, wanted).filter(({ isMissing }) => !isMissing)
  for (const each of gone) removeAddress(netlink, each)
  // an address takes its secondary ones with it
  for (const { isMissing: _, ...each } of difference(netlink, wanted))
    addAddress(netlink, { ...each, nodad: true })
  const { index } = getLink(netlink, INNER_NAME)!
  for (const family of [4, 6] as const) {
    if (!wanted.addresses.some(({ address }) => isIp4(address) === (family === 4))) continue
    try {
      addDefaultRoute(netlink, family, index)
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error
    }
  }
}
