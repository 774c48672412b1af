import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import { parse } from 'yaml'
import { ConfigError } from './config-error.ts'
import { load } from './load.ts'
import { textReader } from './reader.ts'
import { movingFile, textOf } from './refusals.fixture.ts'

const root = join(import.meta.dirname, '../..')
const schema = JSON.parse(readFileSync(join(root, 'schema/tenbin.schema.json'), 'utf8')) as Record<
  string,
  unknown
>
const validate = new Ajv({ strict: true, allErrors: true, allowUnionTypes: true }).compile(schema)
const accepts = (text: string): boolean => validate(parse(text))

const isRefused = (text: string): boolean => {
  try {
    load('t', textReader({ t: text, 'a.yaml': '' }))
    return false
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return true
  }
}

test('the shipped schema accepts the example and the long and short forms', () => {
  for (const text of [
    readFileSync(join(root, 'docs/tenbin.example.yaml'), 'utf8'),
    textOf({}),
    textOf({
      interfaces: 'interfaces: { lan: { lb1: eth0 } }',
      extra: 'nodes: { lb1: 192.168.8.2 }\ninclude: [a.yaml, conf.d/*.yaml]',
    }),
    textOf({
      extra: 'pools: { a: web01..10, b: [web01], c: { servers: [web02, { name: web03, weight: 0 }] } }',
    }),
    textOf({
      extra:
        'defaults: { check: { all: [tcp, { http: { path: /x, status: [200, 301..302] }, port: 80 }], every: 3s } }',
    }),
    textOf({ extra: 'defaults: { forward: dsr, scheduler: mh, check: none, weight: 65535 }' }),
    textOf({
      services:
        'services: { www: { listen: [192.168.8.100:8000..8099/udp, 192.168.8.100:*], servers: web01..10, check: none, track: all, on_failure: reset, hash: source, scheduler: sh, timeouts: { syn: 1s, established: 1.5h, fin: 2m, udp: 24h }, persistence: 10m }, b: { listen: [192.168.8.100:80], servers: web01, check: none, persistence: { timeout: 1h, network: 24, network6: 64 } } }',
      extra:
        'limits: { flows: 1024, new_flows: 1 }\ndefaults: { track: none, on_failure: keep, hash: flow, timeouts: {} }',
    }),
    textOf({
      interfaces: 'interfaces: { lan: eth0.7 }',
      extra: 'sysctls: { net.ipv4.ip_forward: 1, net.ipv4.conf.eth0/7.rp_filter: 2 }',
    }),
    textOf({
      services:
        'services: { www: { listen: [192.168.8.100:80], servers: web01..10, check: none, defence: { proof: on, ceiling: 1/s } } }',
      extra:
        'defence: { rules: { a: { tcp: syn+ack, window: 0..9, source: [10.0.0.0/8], ports: [80, 70..90], payload: { at: 0, bytes: "00" }, action: { limit: 1/s } }, bare-syn: off }, allow: 10.0.0.0/8, proof: { above: 10/s }, sources: { new: 5/s, ban: 1m }, recorder: off }',
    }),
    textOf({ extra: 'defence: off' }),
    movingFile,
  ]) {
    assert.ok(accepts(text), JSON.stringify(validate.errors))
    assert.ok(!isRefused(text))
  }
})

test('the shipped schema rejects what load refuses for its shape', () => {
  const service = (rest: string) => textOf({ services: `services: { www: { ${rest} } }` })
  for (const text of [
    textOf({ extra: 'server: {}' }),
    textOf({ extra: 'metrics: {}' }),
    textOf({ extra: 'limits: { flows: 1000 }' }),
    textOf({ extra: 'limits: { new_flows: many }' }),
    textOf({ extra: 'limits: { flow: 100000 }' }),
    textOf({ extra: 'sysctls: { kernel.panic: 1 }' }),
    textOf({ extra: 'sysctls: { net.ipv4.ip_forward: -1 }' }),
    textOf({ extra: 'defaults: { timeouts: { tcp: 60s } }' }),
    textOf({ servers: 'servers: [web01]' }),
    textOf({ servers: 'servers: { 01..10: 192.168.8.11..20 }' }),
    textOf({ servers: 'servers: { web01..10: somewhere }' }),
    textOf({ addresses: 'addresses: { front: { on: lan, vrid: 256, ips: [192.168.8.100/24] } }' }),
    textOf({ addresses: 'addresses: { front: { on: lan } }' }),
    textOf({
      addresses:
        'addresses: { front: { on: lan, vrid: 51, track: [{ link: lan, weight: 0 }], ips: [192.168.8.100/24] } }',
    }),
    textOf({ extra: 'defaults: { weight: 65536 }' }),
    service('servers: web01..10, check: none'),
    service('listen: ["[2001:db8::10]"], servers: web01..10, check: none'),
    service('listen: [192.168.8.100:80/sctp], servers: web01..10, check: none'),
    service('listen: [192.168.8.100:80], servers: web01..10, check: tpc'),
    service('listen: [192.168.8.100:80], servers: web01..10, check: { http: { path: health } }'),
    service('listen: [192.168.8.100:80], servers: web01..10, check: { tcp: {}, evry: 3s }'),
    service('listen: [192.168.8.100:80], servers: web01..10, check: none, forward: fullnat'),
    service('listen: [192.168.8.100:80], servers: web01..10, check: none, forward: nat, server_port: 0'),
    service('listen: [192.168.8.100:80], servers: web01..10, check: none, scheduler: lblc'),
    service('listen: [192.168.8.100:8000-8099], servers: web01..10, check: none'),
    service('listen: [192.168.8.100:**], servers: web01..10, check: none'),
    service('listen: [192.168.8.100:80], servers: web01..10, check: none, persistence: 600'),
    service('listen: [192.168.8.100:80], servers: web01..10, check: none, persistence: { network: 33 }'),
    service('listen: [192.168.8.100:80], servers: web01..10, check: none, track: some'),
    service('listen: [192.168.8.100:80], servers: web01..10, check: none, hash: port'),
    service('listen: [192.168.8.100:80], servers: web01..10, check: none, on_failure: drop'),
    service('listen: [192.168.8.100:80], servers: web01..10, check: none, timeouts: { udp: 60 }'),
    service('listen: [192.168.8.100:80], servers: web01..10, check: none, timeouts: 60s'),
    service('listen: [192.168.8.100:80], servers: web01..10, sorry: { check: none }'),
    service('listen: [192.168.8.100:80], servers: web01..10, quorum: most'),
    service('listen: [192.168.8.100:80], servers: web01..10, quorum: { up: 2 }'),
    service('listen: [192.168.8.100:80], servers: web01..10, guard: { share: 100% }'),
    service('listen: [192.168.8.100:80], servers: [{ name: web01, weight: 1.5 }], check: none'),
  ]) {
    assert.ok(!accepts(text), text)
    assert.ok(isRefused(text), text)
  }
})

test('every key of the schema says what it is', () => {
  const undescribed: string[] = []
  const walk = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return
    const { properties } = node as { properties?: Record<string, { description?: string }> }
    for (const [key, value] of Object.entries(properties ?? {})) {
      if (!value.description) undescribed.push(`${path}/${key}`)
    }
    for (const [key, value] of Object.entries(node)) walk(value, `${path}/${key}`)
  }
  walk(schema, '')
  assert.deepEqual(undescribed, [])
})
