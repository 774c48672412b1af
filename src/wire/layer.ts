// The layers that packet.ts puts together, as plain data: which fields each kind has and which may be left out.
// Addresses may be text. What a layer leaves out, fill.ts fills in.

import type { Ip4, Ip6, Mac } from '../base/addresses.ts'
import type { Arp } from './arp.ts'
import type { Ethernet, VlanTag } from './ethernet.ts'
import type { Icmp } from './icmp.ts'
import type { Ipv4 } from './ipv4.ts'
import type { Ipv6 } from './ipv6.ts'
import type { Extension, ExtensionKind, Fragment } from './ipv6-extension.ts'
import type { Tcp } from './tcp.ts'
import type { Udp } from './udp.ts'

/** Loose: all fields optional, addresses also as text. */
type Loose<Header> = {
  readonly [Field in keyof Header]?: Header[Field] extends Ip4 | Ip6 | Mac
    ? Header[Field] | string
    : Header[Field]
}

/** EtherFields: Ethernet's, with tags that need no more than an id. */
export type EtherFields = Loose<Omit<Ethernet, 'tags'>> & { readonly tags?: readonly Partial<VlanTag>[] }
export type Ipv4Fields = Loose<Ipv4>
export type Ipv6Fields = Loose<Ipv6>
export type ExtensionFields = Loose<Extension>
export type FragmentFields = Loose<Fragment>
export type TcpFields = Loose<Tcp>
export type UdpFields = Loose<Udp>
export type IcmpFields = Loose<Icmp>
export type ArpFields = Loose<Arp>

/** Layer: one header, or bytes or text (UTF-8) as they are. */
export type Layer =
  | { readonly kind: 'ether'; readonly fields: EtherFields }
  | { readonly kind: 'ipv4'; readonly fields: Ipv4Fields }
  | { readonly kind: 'ipv6'; readonly fields: Ipv6Fields }
  | { readonly kind: 'extension'; readonly number: ExtensionKind; readonly fields: ExtensionFields }
  | { readonly kind: 'fragment'; readonly fields: FragmentFields }
  | { readonly kind: 'tcp'; readonly fields: TcpFields }
  | { readonly kind: 'udp'; readonly fields: UdpFields }
  | { readonly kind: 'icmp'; readonly fields: IcmpFields }
  | { readonly kind: 'arp'; readonly fields: ArpFields }
  | Uint8Array
  | string

/** HeaderLayer: a layer that is no plain bytes. */
export type HeaderLayer = Exclude<Layer, string | Uint8Array>

/** headerOf: the layer, if it is a header. */
export const headerOf = (layer: Layer | undefined): HeaderLayer | undefined =>
  layer === undefined || typeof layer === 'string' || layer instanceof Uint8Array ? undefined : layer
