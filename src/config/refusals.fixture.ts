// For tests: a small file that is right, changed in one place, and what is then said about it.

import assert from 'node:assert/strict'
import { ConfigError } from './config-error.ts'
import { load } from './load.ts'
import { textReader } from './reader.ts'

/** rightFile: one section a line, in this order; `extra` comes last. */
export const rightFile = {
  interfaces: 'interfaces: { lan: eth0 }',
  addresses: 'addresses: { front: { on: lan, ips: [192.168.8.100/24] } }',
  servers: 'servers: { web01..10: 192.168.8.11..20 }',
  services: 'services: { www: { listen: [192.168.8.100:80], servers: web01..10, check: none } }',
  extra: '',
}

/** Change: sections of the right file that are to be others, or a text of its own. */
export type Change = string | Partial<typeof rightFile>

/** textOf: the right file with a change. */
export const textOf = (change: Change): string =>
  typeof change === 'string' ? change : Object.values({ ...rightFile, ...change }).join('\n')

/** refusals: `line:column: message` of each finding about the changed file, whose name is `t`. */
export function refusals(change: Change): string[] {
  try {
    load('t', textReader({ t: textOf(change) }))
  } catch (error) {
    assert.ok(error instanceof ConfigError && error.code === 'CONFIG_INVALID', String(error))
    return error.findings.map(({ line, column, message }) => `${line}:${column}: ${message}`)
  }
  return []
}

/** movingFile: of two nodes, whose address set says all that can be said of how it moves. */
export const movingFile = textOf({
  interfaces: 'interfaces: { lan: eth0, back: { lb1: eth1, lb2: ens2 }, far: eth2 }',
  addresses: `addresses:
  front:
    ips: { lan: [192.168.8.100/24, "2001:db8::100/64"], back: [10.0.0.1/24] }
    vrid: 51
    priorities: { lb1: 255, lb2: 100 }
    advert: 100ms
    version: 3
    checksum: rfc9568
    preempt: 5m
    accept: false
    unicast: { lan: { lb1: [192.168.8.2, "2001:db8::2"], lb2: [192.168.8.3, "2001:db8::3"] }, back: { lb1: 10.0.0.2, lb2: 10.0.0.3 } }
    auth: { hmac: [/etc/tenbin/new.key, /etc/tenbin/old.key] }
    mac: virtual
    announce: { repeat: 2s, refresh: 1m }
    track:
      - { link: far, weight: -50, rise: 2s, fall: 0s }
      - { service: www }
      - { script: [/usr/local/bin/fit, now], every: 3s, timeout: 1s, user: daemon }
      - { file: /etc/tenbin/stop, fault: true }
      - { reach: [192.168.8.1, 10.0.0.9], every: 500ms, weight: 20 }
  more: { on: lan, ips: [192.168.8.101/24], vrid: 52, prefer: lb2, version: 2, advert: 2s, auth: { pass: /etc/tenbin/pass } }
  plain: { on: lan, ips: [192.168.8.102/24], vrid: 53, unicast: true, min_ttl: 64 }
  here: { on: lan, ips: [192.168.8.103/24] }
  out:
    ips: { lan: [192.168.8.104/24, "2001:db8::104/64"], back: [10.0.0.4/24] }
    vrid: 54
    routes:
      - { to: default, via: 192.168.8.1, metric: 10 }
      - { to: 10.20.0.0/16, via: 10.0.0.254 }
      - { to: "2001:db8:1::/48", via: "fe80::1", on: lan, source: "2001:db8::104" }`,
  extra: 'nodes: { lb1: 192.168.8.2, lb2: 192.168.8.3, }',
})
