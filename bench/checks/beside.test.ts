// What the rows of both checkers are made of, and how late a look is.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ether, ipv4, packet, tcp } from '../../src/wire/packet.ts'
import { pcap } from '../../test/vrrp/pcap.ts'
import { beginningsOf, pace } from './beginnings.ts'
import { besideRows } from './beside.ts'
import type { Turn } from './beside-guest.ts'

const turn: Turn = { targets: 10, up: 10, looks: 100, lateP99Ms: 4, driftMs: 2, cpu: 0.2, rssMb: 5 }

test('a look is late by what passed since the last one, above the interval', () => {
  const times = new Map([
    ['127.1.0.0', [0, 1000, 2030, 3000]],
    ['127.1.0.1', [500, 1510]],
    ['127.1.0.2', [700]],
  ])
  assert.deepEqual(pace(times, 1000), { targets: 3, looks: 7, lateP99Ms: 30, driftMs: 2.5 })
  assert.throws(() => pace(new Map([['127.1.0.2', [700]]]), 1000), /no target was looked at twice/)
})

test('beginnings are read from a capture by target, those within the time only', () => {
  const frames = ['127.1.0.1', '127.1.0.2', '127.1.0.1', '127.1.0.1'].map((destination) =>
    packet(ether(), ipv4({ source: '127.0.0.1', destination }), tcp({ destination: 80 })),
  )
  const found = beginningsOf(pcap(frames), 0, 3000)
  assert.deepEqual(
    [...found],
    [
      ['127.1.0.1', [0, 2000]],
      ['127.1.0.2', [1000]],
    ],
  )
})

test('rows are medians of turns, ratios of turns of one round, and CPU is compared for one look', () => {
  const slow = { ...turn, looks: 80, lateP99Ms: 8, cpu: 0.08, rssMb: 2.5 }
  const rows = besideRows({ count: 10, seconds: 10, rounds: [{ tenbin: turn, keepalived: slow }] })
  const figure = (name: string) => Number(rows.find((row) => row.name === name)!.value.toPrecision(6))
  assert.equal(figure('checks.keepalived.uml.late.p99'), 8)
  assert.equal(figure('checks.tenbin.uml.drift'), 2)
  assert.equal(figure('checks.tenbin.uml.late.p99.ratio'), 0.5)
  assert.equal(figure('checks.tenbin.uml.cpu.ratio'), 2)
  assert.equal(figure('checks.tenbin.uml.rss.ratio'), 2)
  assert.ok(rows.every(({ failed }) => failed === undefined))
})

test('a checker that left a target out fails its rows and the ratios', () => {
  for (const wrong of [{ targets: 9 }, { up: 9 }, { looks: 70 }]) {
    const rows = besideRows({
      ...{ count: 10, seconds: 10 },
      rounds: [{ tenbin: turn, keepalived: { ...turn, ...wrong } }],
    })
    const failed = rows.filter((row) => row.failed !== undefined).map(({ name }) => name)
    assert.deepEqual(
      failed,
      rows.map(({ name }) => name).filter((name) => name.includes('keepalived') || name.endsWith('ratio')),
    )
  }
})
