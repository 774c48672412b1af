// How much the verifier does for a program: what is behind a choice between constants must not be gone through once for each
// of them (Emitter.vagueSlot). 1,000,000 instructions are the most that it does.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { layoutOf } from '../../src/dataplane/fill.ts'
import { fixedKeys, goldenShapes } from '../../src/dataplane/golden-shapes.ts'
import { packetProgram } from '../../src/dataplane/packet-path.ts'
import { BpfMap } from '../../src/kernel/map.ts'
import { loadProgram } from '../../src/kernel/program.ts'

/** MOST: by shape, about twice what it is (Linux 6.18). */
const MOST: Readonly<Record<string, number>> = {
  'tracked-everything-once': 40_000,
  'tracked-sixty-four-listeners': 65_000,
  'nat-and-dsr-everything-once-jumbo': 130_000,
  'usual-everything-three-interfaces-jumbo': 180_000,
  'defence-payloads': 480_000,
}

for (const [name, most] of Object.entries(MOST))
  test(`the verifier does less than ${most} instructions for ${name}`, () => {
    const shape = goldenShapes[name]!
    const { spec } = packetProgram(shape, layoutOf(shape, fixedKeys()).memory)
    const maps = new Map(spec.maps.map((map) => [map.name, BpfMap.create(map)]))
    try {
      using program = loadProgram(spec, maps).program
      const { verifiedInstructions: does } = program.info
      assert.ok(does > 0 && does < most, `it does ${does}`)
    } finally {
      for (const map of maps.values()) map[Symbol.dispose]()
    }
  })
