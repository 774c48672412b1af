import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Orders } from '../vrrp/orders.ts'
import type { SetSpec, VrrpSpec } from '../vrrp/spec.ts'
import { VrrpTalk } from './vrrp-talk.ts'

const specOf = (...services: string[]): VrrpSpec => {
  const track = services.map((service) => ({
    ...{ name: `service:${service}`, weight: 'fault', riseMs: 0, fallMs: 0 },
    thing: { kind: 'service' },
  }))
  return { sets: [{ name: 'front', track } as unknown as SetSpec] }
}

test('a rule that comes back after another one took its place is known to vrrp as soon as it is to main', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vrrp-talk-'))
  try {
    const orders = new Orders(join(folder, 'kept.json'))
    const talk = new VrrpTalk(
      (message) => {
        if (message.kind === 'spec') orders.respec(message.spec)
        else if (message.kind === 'tracked') orders.track(message.name, message.isUp)
      },
      () => 0,
    )
    talk.order(specOf('www'))
    talk.tracked('service:www', true)
    talk.order(specOf('api'))
    talk.tracked('service:api', true)
    assert.equal(orders.isUp('service:www'), undefined, 'no rule has it')
    talk.order(specOf('www'))
    talk.tracked('service:www', true)
    assert.equal(orders.isUp('service:www'), true)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('how services are is said again with each spec', () => {
  const said: unknown[] = []
  const talk = new VrrpTalk(
    (message) => void said.push(message.kind === 'tracked' ? [message.name, message.isUp] : message.kind),
    () => 0,
  )
  talk.order(specOf('www', 'api'))
  talk.tracked('service:www', true)
  talk.tracked('service:api', false)
  said.length = 0
  talk.order(specOf('www', 'api'))
  assert.deepEqual(
    said.filter((each) => each !== 'order'),
    ['spec', ['service:www', true], ['service:api', false]],
  )
})
