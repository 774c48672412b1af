import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Change, refusals } from './refusals.fixture.ts'

test('names, ranges and the inventory are refused with what is wrong', () => {
  const cases: readonly (readonly [Change, ...string[]])[] = [
    [
      {
        interfaces: 'interfaces: { 1lan: eth0, lan: eth0 }',
        servers: 'servers: { web01..10: 192.168.8.11..20, -x: 192.168.8.30 }',
      },
      '1:15: "1lan" is not a name: a name is a letter, then letters, digits, "-", "_" and ".", at most 63',
      '3:41: "-x" is not a name: a name is a letter, then letters, digits, "-", "_" and ".", at most 63',
    ],
    [
      { services: 'services: { "w w": { listen: [192.168.8.100:80], servers: web01..10, check: none } }' },
      '4:13: "w w" is not a name: a name is a letter, then letters, digits, "-", "_" and ".", at most 63',
    ],
    [
      { servers: 'servers: { web10..01: 192.168.8.11..20 }' },
      '3:12: "web10..01" runs backwards: write web01..10, the smaller end first',
    ],
    [
      { servers: 'servers: { web01..10: 192.168.8.20..11 }' },
      '3:23: "192.168.8.20..11" runs backwards: write 192.168.8.11..20, the smaller end first',
    ],
    [
      { servers: 'servers: { web01..10: 192.168.8.11..19 }' },
      '3:23: web01..10 is 10 servers, 192.168.8.11..19 is 9 addresses: both sides need as many',
    ],
    [
      { servers: 'servers: { web01: 192.168.8.11..12, web02..10: 192.168.8.13 }' },
      '3:19: web01 is 1 server, 192.168.8.11..12 is 2 addresses: both sides need as many',
      '3:48: web02..10 is 9 servers, 192.168.8.13 is 1 address: both sides need as many',
    ],
    [
      { servers: 'servers: { web01..10: 192.168.8.250..259 }' },
      '3:23: "192.168.8.250..259" runs past .255: write its end in full, 192.168.8.250..192.168.9.3',
    ],
    [
      { servers: 'servers: { web1..32767: 10.0.0.1..10.0.127.255, web0: 10.1.0.1 }' },
      '3:49: "web0" makes more than 32767 servers in all: split them over several balancers',
      '4:57: web10 (10.0.0.10) is not on 192.168.8.0/24 of address set front: dsr reaches servers on the service’s own network only: nat reaches those of any network of the node (forward: nat)',
    ],
    [
      { servers: 'servers: { web1..32768: 10.0.0.1..10.0.128.0 }' },
      '3:12: "web1..32768" is 32768 of them: at most 32767 are possible',
    ],
    [
      { servers: 'servers: { web01..10: 127.0.0.1..10 }' },
      '3:23: 127.0.0.1 is a loopback address: no machine can have it here',
    ],
    [
      { servers: 'servers: { web01..10: "2001:db8::1..a" }' },
      '4:28: www listens on IPv4 (192.168.8.100:80) but has web01 (2001:db8::1): families do not mix, make a service and a pool for each',
    ],
    [
      { servers: 'servers: { web01..10: "fe80::1..a" }' },
      '3:23: fe80::1 is a link-local address, which needs an interface beside it: no machine can have it here',
    ],
    [
      { servers: 'servers: { web01..10: web.example }' },
      '3:23: "web.example" is not an address or a range such as 192.168.8.11..20 or 2001:db8::11..20',
    ],
    [
      { servers: 'servers: { web01..10: 192.168.8.11..20, web05: 192.168.8.30 }' },
      '3:41: server web05 is there twice: also at t:3:12',
    ],
    [
      { servers: 'servers: { web01..10: 192.168.8.11..20, db: 192.168.8.15 }' },
      "3:45: 192.168.8.15 (db) is server web05's address already, at t:3:23",
    ],
  ]
  for (const [changed, ...expected] of cases) assert.deepEqual(refusals(changed), expected)
})

test('nodes, interfaces and address sets are refused with what is wrong', () => {
  const cases: readonly (readonly [Change, ...string[]])[] = [
    [
      { extra: 'nodes: { lb1: 192.168.8.256, lb2: "ff02::1", lb3: 224.0.0.1 }' },
      '5:15: "192.168.8.256" is not an address such as 192.168.8.2 or 2001:db8::2',
      '5:35: ff02::1 is a multicast address: no machine can have it here',
      '5:51: 224.0.0.1 is a multicast address: no machine can have it here',
    ],
    [
      { extra: 'nodes: { lb1: 192.168.8.2, lb2: 192.168.8.2 }' },
      "5:33: 192.168.8.2 is node lb1's address already, at t:5:15",
    ],
    [
      { interfaces: 'interfaces: { lan: eth0, wan: a-very-long-nic0, dmz: "eth0:1" }' },
      '1:31: "a-very-long-nic0" cannot be a NIC: its name has 1 to 15 characters, none of them "/", ":" or a space',
      '1:54: "eth0:1" cannot be a NIC: its name has 1 to 15 characters, none of them "/", ":" or a space',
    ],
    [
      {
        interfaces: 'interfaces: { lan: { lb1: eth0, lb3: eth1 } }',
        extra: 'nodes: { lb1: 192.168.8.2, lb2: 192.168.8.3 }',
      },
      '1:15: lan names no NIC for lb2: add lb2: eth0',
      '1:33: "lb3" is no node: did you mean "lb1"?',
    ],
    [
      { interfaces: 'interfaces: { lan: { lb1: eth0 } }' },
      '1:20: a NIC for each node needs nodes: add them, or write lan: eth0',
    ],
    [
      { addresses: 'addresses: { front: { on: lam, ips: [192.168.8.100/24] } }' },
      '2:27: "lam" is no role of interfaces: did you mean "lan"?',
    ],
    [
      { addresses: 'addresses: { front: { on: outside, ips: [192.168.8.100/24] } }' },
      '2:27: "outside" is no role of interfaces: add it, for example outside: eth0',
    ],
    [
      { addresses: 'addresses: { front: { on: lan, ips: [192.168.8.100/24] }, back: { on: lan, ips: [] } }' },
      '2:81: an address set has at least one address: write [192.168.8.100/24]',
    ],
    [
      {
        addresses:
          'addresses: { front: { on: lan, ips: [192.168.8.100/33, 192.168.8.101/0, 192.168.8.0/24, 192.168.8.255/24, 192.168.8.1/24/1, "2001:db8::/129", nowhere/24, 192.168.8.100/x] } }',
      },
      '2:38: "192.168.8.100/33" has no prefix length from 1 to 32: write 192.168.8.100/24',
      '2:56: "192.168.8.101/0" has no prefix length from 1 to 32: write 192.168.8.101/24',
      '2:73: 192.168.8.0 is the network address of its own /24: no machine can have it',
      '2:89: 192.168.8.255 is the broadcast address of its own /24: no machine can have it',
      '2:107: "192.168.8.1/24/1" has no prefix length from 1 to 32: write 192.168.8.1/24',
      '2:125: "2001:db8::/129" has no prefix length from 1 to 128: write 2001:db8::/64',
      '2:143: "nowhere" is not an address such as 192.168.8.2 or 2001:db8::2',
      '2:155: "192.168.8.100/x" has no prefix length from 1 to 32: write 192.168.8.100/24',
    ],
    [
      {
        addresses:
          'addresses: { front: { on: lan, ips: [192.168.8.100/24, 192.168.8.100/24] }, back: { on: lan, ips: [192.168.8.100] } }',
      },
      '2:56: 192.168.8.100 is the address of address set front already, at t:2:38',
      '2:100: 192.168.8.100 is the address of address set front already, at t:2:38',
    ],
    [
      { extra: 'nodes: { lb1: 192.168.8.100 }' },
      '2:38: 192.168.8.100 is the address of node lb1 already, at t:5:15',
    ],
    [
      { extra: 'nodes: { lb1: 192.168.8.15 }' },
      '3:23: 192.168.8.15 (web05) is the address of node lb1, at t:5:15: a node cannot be a server',
    ],
    [
      { addresses: 'addresses: { front: { on: lan, ips: [192.168.8.100/24, 192.168.8.15/24] } }' },
      "3:23: 192.168.8.15 (web05) is a service address, at t:2:56: write the server's own address",
    ],
  ]
  for (const [changed, ...expected] of cases) assert.deepEqual(refusals(changed), expected)
})
