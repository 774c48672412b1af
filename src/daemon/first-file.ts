// A first tenbin.yaml as text, from what a machine says of itself (first-network.ts): right as it is, commented for
// somebody who sees one for the first time, and with a mark on each line that nobody but its reader can know. Where the
// machine has both address families, IPv4 is written and IPv6 stands behind `#`, right as well when those are removed.

import { formatIp, type Ip, isIp4, parseIp } from '../base/addresses.ts'
import { addressAt, isName } from '../base/ranges.ts'
import { isUsable } from '../netlink/links.ts'
import type { FirstNetwork, Nic, Proposal } from './first-network.ts'

/** MARK: what a line has on it that its reader has to fill in. */
export const MARK = '# <-- '

/** FirstFile: the text, and how many of its lines carry MARK. */
export interface FirstFile {
  readonly text: string
  readonly marks: number
}

/** firstFile writes it. `host`: this machine's name. */
export function firstFile(network: FirstNetwork, host: string): FirstFile {
  const { nic, ip4, ip6 } = network
  const main = parts(ip4 ?? ip6 ?? nobody)
  const more = ip4 && ip6 ? parts(ip6) : undefined
  const short = host.split('.')[0]!
  const node = isName(short) ? short : 'lb1'
  const lines = [
    `# tenbin.yaml: what this load balancer balances. Written by \`tenbin init\` from the NICs of ${node}.`,
    '#',
    `# Lines with an arrow (${MARK.trim()}) hold guesses: write what is true there. Then`,
    '#',
    '#     tenbin check FILE      lists every mistake, and what the file would use',
    '#     tenbin run -c FILE     forwards by it',
    '#',
    ...nicLines(network),
    '',
    '# The machines that run tenbin, by an address of their own.',
    'nodes:',
    `  ${node}: ${main.own}${main.ownMark}`,
    '',
    '# The NIC that has the service addresses and forwards. The servers are on its network.',
    'interfaces:',
    `  lan: ${nic?.link.name ?? `eth0 ${MARK}this machine has no Ethernet NIC: name the one it will have`}`,
    '',
    '# Addresses that clients use. tenbin puts them on the NIC, with this prefix length; nobody else may have them.',
    'addresses:',
    '  front:',
    '    on: lan',
    '    ips:',
    `      - ${main.ips} ${MARK}${main.serviceMark}`,
    ...(more ? [`      # - ${more.ips} ${MARK}the same of IPv6`] : []),
    '',
    '# The machines that answer, each once. Each has the service address on its loopback as well:',
    ...main.loopback.map((line) => `#     ${line}`),
    'servers:',
    `  ${main.servers('web')} ${MARK}${main.serversMark}`,
    ...(more ? [`  # ${more.servers('six')} ${MARK}the same of IPv6`] : []),
    '',
    '# What clients connect to, and who answers.',
    'services:',
    '  www:',
    `    listen: [${main.listen}] ${MARK}the ports of your service; TCP, unless /udp is behind one`,
    `    servers: ${main.names('web')}`,
    '    forward: dsr # servers answer clients directly',
    '    check: tcp # a connect; or { http: /health }, and others; none: nobody looks',
    ...(more
      ? [
          '  # www6:',
          `  #   listen: [${more.listen}]`,
          `  #   servers: ${more.names('six')}`,
          '  #   forward: dsr',
          '  #   check: tcp',
        ]
      : []),
    '',
    '# In a flood clients prove that their addresses are theirs, and packets are recorded as evidence: `tenbin flood`,',
    '# `tenbin capture`. More can be said here (defence: { sources: { new: 1000/s } }), or nothing of it be had:',
    '# defence: off',
  ]
  return {
    text: `${lines.join('\n')}\n`,
    marks: lines.filter((line) => !/^ *#/.test(line) && line.includes(MARK)).length,
  }
}

/** Addresses of documentation (RFC 5737), where a machine says nothing. */
const nobody: Proposal = { own: parseIp('192.0.2.2'), prefix: 24, room: undefined }
const examples = [
  { service: parseIp('192.0.2.100'), firstServer: parseIp('192.0.2.11'), servers: 3 },
  { service: parseIp('2001:db8::100'), firstServer: parseIp('2001:db8::11'), servers: 3 },
]

/** parts: the pieces of the file that hold addresses of one family. */
function parts(proposal: Proposal) {
  const { own, prefix, room } = proposal
  const { service, firstServer, servers } = room ?? examples[isIp4(own) ? 0 : 1]!
  // IPv6 in quotes: an address that ends in a colon would be a key to YAML.
  const text = (ip: Ip, rest = '') => (isIp4(ip) ? `${formatIp(ip)}${rest}` : `"${formatIp(ip)}${rest}"`)
  const length = room ? `/${prefix}` : ''
  const last = addressAt({ first: firstServer, count: servers }, servers - 1)
  const end = isIp4(last) ? `${last % 256}` : (last & 0xffffn).toString(16)
  const range = servers === 1 ? formatIp(firstServer) : `${formatIp(firstServer)}..${end}`
  const names = (stem: string) => (servers === 1 ? `${stem}01` : `${stem}01..0${servers}`)
  const none = `${formatIp(own)}/${prefix} has no room for others: an address of the network of your servers`
  return {
    own: text(own),
    ownMark: proposal === nobody ? ` ${MARK}this machine has no address: write the one it will have` : '',
    ips: text(service, length),
    serviceMark: room ? 'an address of this network that nobody has' : none,
    names,
    loopback: isIp4(service)
      ? [
          `ip address add ${formatIp(service)}/32 dev lo`,
          'sysctl net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2   # answers no ARP for it',
        ]
      : [`ip address add ${formatIp(service)}/128 dev lo`],
    servers: (stem: string) => `${names(stem)}: ${isIp4(firstServer) ? range : `"${range}"`}`,
    serversMark: room ? 'their addresses, on this network' : 'their addresses, on the network of this NIC',
    listen: isIp4(service) ? `${formatIp(service)}:80` : `"[${formatIp(service)}]:80"`,
  }
}

/** nicLines: every NIC, and why one of them was taken. */
function nicLines({ nic, others }: FirstNetwork): string[] {
  if (!nic) return ['# This machine has no Ethernet NIC.']
  const all = [nic, ...others]
  const width = Math.max(...all.map(({ link }) => link.name.length))
  const rows = all.map((each) => `#     ${each.link.name.padEnd(width)}  ${about(each)}`)
  if (others.length === 0) return ['# The NIC of this machine:', ...rows]
  const why =
    nic.gateways.length > 0 ? 'the default route leaves by it' : 'it comes first of those with an address'
  return [
    `# The NICs of this machine. ${nic.link.name} is taken, as ${nic.addresses.length > 0 || nic.gateways.length > 0 ? why : 'none has an address'}; the servers are to be on its network.`,
    `# For another one, write its name under interfaces, its address under nodes, and addresses of its network below.`,
    ...rows,
  ]
}

function about({ link, addresses, gateways }: Nic): string {
  const state = link.isUp ? (isUsable(link) ? [] : ['no carrier']) : ['switched off']
  return [
    addresses.map(({ address, prefix }) => `${formatIp(address)}/${prefix}`).join(' ') || 'no address',
    ...gateways.map(
      (gateway) => `default route ${gateway === 'link' ? 'on the link' : `by ${formatIp(gateway)}`}`,
    ),
    ...(link.kind === undefined ? [] : [link.kind]),
    ...state,
  ].join(', ')
}
