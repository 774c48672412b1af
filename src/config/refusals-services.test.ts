import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Change, refusals } from './refusals.fixture.ts'

test('the file that the cases change is right', () => {
  assert.deepEqual(refusals({}), [])
})

test('services, listeners and pools are refused with what is wrong', () => {
  const cases: readonly (readonly [Change, ...string[]])[] = [
    [
      { services: 'services: {}' },
      '1:1: there are no services: add them, for example services: { www: { listen: [192.168.8.100:80], servers: web01..10 } }',
    ],
    [
      {
        services:
          'services: { www: { listen: [[2001:db8::10]:80, 192.168.8.100:80], servers: web01..10, check: none } }',
      },
      '4:28: www listens on IPv6 ([2001:db8::10]:80) but has web01 (192.168.8.11): families do not mix, make a service and a pool for each',
      '4:29: an IPv6 listener stands in quotes: write "[2001:db8::10]:80"',
      '4:29: 2001:db8::10 is in no address set, so no node would have it: add it to an address set, such as front',
    ],
    [
      {
        services: `services:
  www:
    listen:
      - [2001:db8::10]:80
    servers: web01..10
    check: none`,
      },
      '7:7: www listens on IPv6 ([2001:db8::10]:80) but has web01 (192.168.8.11): families do not mix, make a service and a pool for each',
      '7:9: an IPv6 listener stands in quotes: write "[2001:db8::10]:80"',
      '7:9: 2001:db8::10 is in no address set, so no node would have it: add it to an address set, such as front',
    ],
    [
      {
        services: `services:
  www:
    listen: [2001:db8::10]:80
    servers: web01..10
    check: none`,
      },
      '6:13: an IPv6 listener stands in quotes: write "[2001:db8::10]:80"',
      '6:13: 2001:db8::10 is in no address set, so no node would have it: add it to an address set, such as front',
      '6:13: www listens on IPv6 ([2001:db8::10]:80) but has web01 (192.168.8.11): families do not mix, make a service and a pool for each',
    ],
    [
      { services: 'services: { www: { listen: ["[2001:db8::10]:80"], servers: web01..10, check: none } }' },
      '4:28: www listens on IPv6 ([2001:db8::10]:80) but has web01 (192.168.8.11): families do not mix, make a service and a pool for each',
      '4:29: 2001:db8::10 is in no address set, so no node would have it: add it to an address set, such as front',
    ],
    [
      {
        services:
          'services: { www: { listen: ["2001:db8::10:80", "2001:db8::abcd", "[nope]:80"], servers: web01..10, check: none } }',
      },
      '4:29: an IPv6 listener stands in brackets and quotes: write "[2001:db8::10]:80"',
      '4:48: an IPv6 listener stands in brackets and quotes and has a port: write "[2001:db8::abcd]:80"',
      '4:66: "nope" in brackets is not an IPv6 address',
    ],
    [
      {
        services:
          'services: { www: { listen: [192.168.8.100:53/upd, 192.168.8.100:53/tpc, 192.168.8.100:53/sctp, 192.168.8.100:80/tcp/x], servers: web01..10, check: none } }',
      },
      '4:29: "upd" is no protocol: did you mean "udp"?',
      '4:51: "tpc" is no protocol: did you mean "tcp"?',
      '4:73: "sctp" is no protocol: leave it out for tcp, or write udp',
      '4:96: "192.168.8.100:80/tcp/x" is not a listener such as 192.168.8.100:80',
    ],
    [
      {
        services:
          'services: { www: { listen: [192.168.8.100, 192.168.8.100:0, 192.168.8.100:65536, 192.168.8.100:080, "192.168.8.100:"], servers: web01..10, check: none } }',
      },
      '4:29: "192.168.8.100" has no port: write 192.168.8.100:80',
      '4:44: "0" is no port: write a number from 1 to 65535, without zeros before it',
      '4:61: "65536" is no port: write a number from 1 to 65535, without zeros before it',
      '4:82: "080" is no port: write a number from 1 to 65535, without zeros before it',
      '4:101: "192.168.8.100:" has no port: write 192.168.8.100:80',
    ],
    [
      {
        services:
          'services: { www: { listen: ["*:80", ":80", www.example:80, 192.168.8.300:80, 192.168.8.101:80], servers: web01..10, check: none } }',
      },
      '4:29: "*:80" names no address: write one of an address set, such as 192.168.8.100:80',
      '4:37: ":80" names no address: write one of an address set, such as 192.168.8.100:80',
      '4:44: "www.example" is not an IPv4 address; a listener is written as 192.168.8.100:80',
      '4:60: "192.168.8.300" is not an IPv4 address; a listener is written as 192.168.8.100:80',
      '4:78: 192.168.8.101 is in no address set, so no node would have it: add it to an address set, such as front',
    ],
    [
      { addresses: '' },
      '4:29: 192.168.8.100 is in no address set, so no node would have it: add it to an address set under addresses',
    ],
    [
      { services: 'services: { www: { listen: [], servers: web01..10, check: none } }' },
      '4:28: a service has at least one listener: write [192.168.8.100:80]',
    ],
    [
      {
        services: `services:
  www: { listen: [192.168.8.100:80, 192.168.8.100:80/tcp], servers: web01..10, check: none }
  img: { listen: [192.168.8.100:80], servers: web01..10, check: none }`,
      },
      '5:37: 192.168.8.100:80 is a listener of this service already, at t:5:19: remove one of them',
      '6:19: 192.168.8.100:80 is a listener of service www already, at t:5:19: remove one of them',
    ],
    [
      { services: 'services: { www: { listen: [192.168.8.100:80], check: none } }' },
      '4:13: service www has nobody to answer: write servers: web01..10, or pool: NAME',
    ],
    [
      { services: 'services: { www: { listen: [192.168.8.100:80], servers: [], check: none } }' },
      '4:57: a pool has at least one server: write web01..10',
    ],
    [
      {
        services:
          'services: { www: { listen: [192.168.8.100:80], servers: web01..10, check: none, pool: web } }',
        extra: 'pools: { web: web01..10 }',
      },
      '4:81: servers and pool at once: remove one of them',
    ],
    [
      {
        services:
          'services: { www: { listen: [192.168.8.100:80], servers: [web01..12, wbe05, db], check: none } }',
      },
      '4:58: web11 (and 1 more) is not in servers: add it there',
      '4:69: wbe05 is not in servers: did you mean "web05"?',
      '4:76: db is not in servers: add it there',
    ],
    [
      {
        services:
          'services: { www: { listen: [192.168.8.100:80], servers: [web05..01, web01..web03, ""], check: none } }',
      },
      '4:58: "web05..01" runs backwards: write web01..05, the smaller end first',
      '4:69: "web01..web03" repeats the name behind "..": write web01..03',
      '4:83: "" is not a name: a name is a letter, then letters, digits, "-", "_" and ".", at most 63',
    ],
    [
      {
        services:
          'services: { www: { listen: [192.168.8.100:80], servers: [web01..10, { name: web03, weight: 3 }], check: none } }',
      },
      '4:77: web03 is in this pool twice: also at t:4:58',
    ],
    [
      {
        services:
          'services: { www: { listen: [192.168.8.100:80], servers: [{ name: web01..10, weight: 0 }], check: none } }',
      },
      '4:57: every server here has weight 0, so none would get traffic: give one of them more',
    ],
    [
      { extra: 'defaults: { weight: 0 }' },
      '4:57: every server here has weight 0, so none would get traffic: give one of them more',
    ],
    [
      {
        services: 'services: { www: { listen: [192.168.8.100:80], pool: wbe, check: none } }',
        extra: 'pools: { web: web01..10 }',
      },
      '4:54: "wbe" is not in pools: did you mean "web"?',
    ],
    [
      { services: 'services: { www: { listen: [192.168.8.100:80], pool: images, check: none } }' },
      '4:54: "images" is not in pools: add it there, or write servers: and who they are',
    ],
    [
      { extra: 'pools: { www: web01..05 }' },
      '4:48: the servers of www make a pool of that name, and another is at t:5:10: write pool: www, or rename one of them',
    ],
    [
      {
        services:
          'services: { www: { listen: [192.168.8.100:80], servers: web01..10, check: none, forward: fullnat, scheduler: fo } }',
      },
      '4:90: forward fullnat is not built yet: write forward: dsr or nat',
      '4:110: scheduler fo is not built yet: write scheduler: mh, sh, rr, wrr, lc, wlc, sed or nq',
    ],
    [
      {
        services:
          'services: { www: { listen: [192.168.8.100:80], servers: web01..10, check: none, forward: drs, scheduler: maglev } }',
      },
      '4:90: "drs" is not a way of forwarding: did you mean "dsr"?',
      '4:106: "maglev" is not a scheduler: write scheduler: mh, sh, rr, wrr, lc, wlc, sed or nq',
    ],
    [
      { extra: 'defaults: { forward: ipip, scheduler: dh, check: tcp }' },
      '5:22: forward ipip is not built yet: write forward: dsr or nat',
      '5:39: scheduler dh is not built yet: write scheduler: mh, sh, rr, wrr, lc, wlc, sed or nq',
    ],
    [{ services: 'services: { www: { listen: [192.168.8.100:80], servers: web01..10 } }' }],
    [
      {
        services:
          'services: { www: { listen: [192.168.8.100:80], servers: web01..10, check: { http: /s/health.jsp, port: 80 } } }',
      },
    ],
    [
      { services: 'services: { www: { listen: [192.168.8.100:80], servers: web01..10, check: } }' },
      '4:68: expected none, a kind such as tcp, or a check such as { http: /health, every: 3s }, found nothing',
    ],
    [
      {
        servers: 'servers: { web01..10: 192.168.8.11..20, far: 192.168.9.11 }',
        services: 'services: { www: { listen: [192.168.8.100:80], servers: [web01..10, far], check: none } }',
      },
      '4:69: far (192.168.9.11) is not on 192.168.8.0/24 of address set front: dsr reaches servers on the service’s own network only: nat reaches those of any network of the node (forward: nat)',
    ],
    [
      { servers: 'servers: { web01..10: 192.168.8.246..255 }' },
      '4:57: web10 (192.168.8.255) is the broadcast address of 192.168.8.0/24: no server can have it',
    ],
    [
      { servers: 'servers: { web01..10: 192.168.7.251..192.168.8.4 }' },
      '4:57: web06 (192.168.8.0) is the network address of 192.168.8.0/24: no server can have it',
      '4:57: web01 (192.168.7.251) and 4 more are not on 192.168.8.0/24 of address set front: dsr reaches servers on the service’s own network only: nat reaches those of any network of the node (forward: nat)',
    ],
    [
      {
        interfaces: `interfaces: { lan: eth0 }
api: {}`,
        servers: 'servers: { web01..10: 192.168.8.11..19 }',
        services: 'services: { www: { listen: [192.168.8.200:80], servers: web01..12, forward: fullnat } }',
      },
      '2:1: "api" is not built yet: leave it out',
      '4:23: web01..10 is 10 servers, 192.168.8.11..19 is 9 addresses: both sides need as many',
      '5:29: 192.168.8.200 is in no address set, so no node would have it: add it to an address set, such as front',
      '5:57: web11 (and 1 more) is not in servers: add it there',
      '5:77: forward fullnat is not built yet: write forward: dsr or nat',
    ],
  ]
  for (const [changed, ...expected] of cases) assert.deepEqual(refusals(changed), expected)
})
