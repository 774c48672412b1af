import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RHYTHM } from './check-spec.ts'
import { load } from './load.ts'
import { textReader } from './reader.ts'
import { textOf } from './refusals.fixture.ts'

const checkOf = (check: string | undefined, extra = '') => {
  const text = textOf({
    services: `services: { www: { listen: [192.168.8.100:80], servers: web01..10${check === undefined ? '' : `, check: ${check}`} } }`,
    extra,
  })
  return load('t', textReader({ t: text })).services[0]!.check
}

test('a service that says nothing has a TCP connect, by the times that the documents name', () => {
  const check = { probe: { kind: 'tcp' }, rhythm: RHYTHM, observe: false }
  assert.deepEqual(checkOf(undefined), check)
  assert.deepEqual(checkOf('tcp'), check)
  assert.deepEqual(RHYTHM, { everyMs: 2000, timeoutMs: 2000, fall: 3, rise: 2, inDoubtMs: 1000, delayMs: 0 })
})

test("a service's own check comes before that of defaults, as a whole", () => {
  const extra = 'defaults: { check: { http: /health, every: 5s } }'
  const kindOf = (check: string | undefined) => {
    const found = checkOf(check, extra)
    return found === 'none' ? found : [found.probe.kind, found.rhythm.everyMs]
  }
  assert.deepEqual(kindOf(undefined), ['http', 5000])
  assert.deepEqual(kindOf('ping'), ['ping', 2000])
  assert.equal(kindOf('none'), 'none')
})

test('short forms are resolved in full', () => {
  assert.deepEqual(checkOf('{ http: /s/health.jsp, port: 80, every: 500ms, timeout: 5s, fall: 2 }'), {
    probe: {
      kind: 'http',
      version: '1.1',
      method: 'GET',
      path: '/s/health.jsp',
      headers: {},
      status: [{ from: 200, to: 200 }],
    },
    rhythm: { everyMs: 500, timeoutMs: 5000, fall: 2, rise: 2, inDoubtMs: 500, delayMs: 0 },
    observe: false,
    port: 80,
  })
  assert.deepEqual(
    checkOf('{ all: [ping, { https: { name: x.example, verify: true }, port: 443 }], observe: true }'),
    {
      probe: {
        kind: 'all',
        of: [
          { probe: { kind: 'ping' } },
          {
            probe: {
              ...{ kind: 'http', version: '1.1', method: 'GET', path: '/', headers: {} },
              status: [{ from: 200, to: 200 }],
              tls: { verify: true, name: 'x.example' },
            },
            port: 443,
          },
        ],
      },
      rhythm: RHYTHM,
      observe: true,
    },
  )
})

test('an address that DNS is to answer with is written as the checker reads it', () => {
  const check = checkOf('{ dns: { name: x, type: AAAA, answer: "2001:DB8:0::1" } }')
  assert.equal(check !== 'none' && check.probe.kind === 'dns' && check.probe.answer, '2001:db8::1')
})
