import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EngineSpec } from './engine.ts'
import { keepsOf } from './lives.ts'

const listener = (protocol: 'tcp' | 'udp') => ({ address: 0x0a000064, port: 80, protocol })
const service = (part: object) => ({ track: 'all', listeners: [listener('tcp')], ...part })

test('what track all remembers of TCP outlasts its time-out, unless connections are counted or there is UDP', () => {
  const services = [
    service({}),
    service({ nat: { port: 0 } }),
    service({ track: 'changes' }),
    service({ track: 'none' }),
    service({ scheduler: 'wlc' }),
    service({ listeners: [listener('tcp'), listener('udp')] }),
  ]
  const planned = [...services.map((_, at) => ({ name: `s${at}`, pool: 0, at })), undefined]
  const keeps = keepsOf({ services: planned, spec: { services } as unknown as EngineSpec })
  assert.deepEqual([...keeps], [1, 1, 0, 0, 0, 0, 0])
})
