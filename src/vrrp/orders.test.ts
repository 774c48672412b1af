import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Orders } from './orders.ts'
import { setSpec } from './spec.fixture.ts'

test('whom nobody preempts, and until when, is known to the next process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenbin-orders-'))
  try {
    const path = join(folder, 'vrrp.json')
    const again = () => {
      const orders = new Orders(path)
      return ['front', 'back'].map((set) => orders.heldUntil(set))
    }
    assert.equal(new Orders(path).heldUntil('constructor'), 0)
    const orders = new Orders(path)
    orders.respec({ sets: [setSpec(), setSpec({ name: 'back', vrid: 52 })] })
    assert.deepEqual(again(), [0, 0])
    orders.hold(undefined, 1000)
    orders.hold('back', 2000)
    assert.deepEqual(again(), [1000, 2000])
    orders.hold('back', 0)
    assert.deepEqual(again(), [1000, 0])
    orders.hold('gone', 3000)
    orders.hold('back', 4000)
    orders.respec({ sets: [setSpec({ name: 'back', vrid: 52 })] })
    assert.deepEqual(again(), [0, 4000], 'nothing is kept of a set that is no more')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
