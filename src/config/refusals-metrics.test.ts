import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatEndpoint } from '../base/addresses.ts'
import { load } from './load.ts'
import { textReader } from './reader.ts'
import { refusals, textOf } from './refusals.fixture.ts'

test('metrics are read at an address and a port, of either family', () => {
  const at = (listen: string) => {
    const { metrics } = load('t', textReader({ t: textOf({ extra: `metrics: { listen: ${listen} }` }) }))
    return metrics && formatEndpoint(metrics)
  }
  assert.equal(at('127.0.0.1:9102'), '127.0.0.1:9102')
  assert.equal(at('"[::1]:9102"'), '[::1]:9102')
  assert.equal(at('0.0.0.0:9102'), '0.0.0.0:9102')
  assert.equal(load('t', textReader({ t: textOf({}) })).metrics, undefined)
})

test('where nobody could ask for metrics, and where a service answers, is refused with what to write', () => {
  const cases: readonly (readonly [string, ...string[]])[] = [
    ['{ listen: 127.0.0.1 }', '5:20: "127.0.0.1" has no port: write 127.0.0.1:80'],
    ['{ listen: 9102 }', '5:20: expected an address and port such as 127.0.0.1:9102, found 9102'],
    ['{ listen: "::1:9102" }', '5:20: an IPv6 listener stands in brackets and quotes: write "[::1]:9102"'],
    [
      '{ listen: "127.0.0.1:0" }',
      '5:20: "0" is no port: write a number from 1 to 65535, without zeros before it',
    ],
    [
      '{ listen: 127.0.0.1:9102/udp }',
      '5:20: "127.0.0.1:9102/udp" is no address and port such as 127.0.0.1:9102',
    ],
    [
      '{ listen: localhost:9102 }',
      '5:20: "localhost" is not an IPv4 address; a listener is written as 192.168.8.100:80',
    ],
    [
      '{ listen: 192.168.8.100:80 }',
      "5:20: port 80 of 192.168.8.100 is service www's: its packets go to servers; write another port",
    ],
    ['{ listen: 192.168.8.100:9102 }'],
    ['{}', '5:1: "listen" is missing: it takes an address and port such as 127.0.0.1:9102'],
    [
      '{ listn: 127.0.0.1:9102 }',
      '5:1: "listen" is missing: it takes an address and port such as 127.0.0.1:9102',
      '5:12: unknown key "listn": did you mean "listen"?',
    ],
    ['127.0.0.1:9102', '5:10: expected metrics such as { listen: 127.0.0.1:9102 }, found "127.0.0.1:9102"'],
  ]
  for (const [metrics, ...expected] of cases)
    assert.deepEqual(refusals({ extra: `metrics: ${metrics}` }), expected, metrics)
})
