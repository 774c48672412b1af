// A world whose file has defence, for tests of what is said of floods by hand.

import assert from 'node:assert/strict'
import { TenbinError } from '../base/errors.ts'
import type { LiveDefence } from '../engine/defence-status.ts'
import { World } from './fake-world.ts'

export const file = (defence: string): string => `
nodes: { lb1: 10.0.0.2 }
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [10.0.0.100/24] } }
servers: { web1..3: 10.0.0.11..13 }
defaults: { check: none }
services:
  www: { listen: [10.0.0.100:80], servers: web1..3 }
  dns: { listen: [10.0.0.100:53/udp], servers: [web1] }
defence: ${defence}`

/** DefendedWorld: `live` is what the packet path was told last. */
export class DefendedWorld extends World {
  live: LiveDefence | undefined
}

/** defendedWorld: with a rule of the file, `night`, that drops. */
export function defendedWorld(): DefendedWorld {
  const world = new DefendedWorld()
  world.text = file('{ rules: { night: { tcp: syn, window: 0, ttl: 200..255, action: drop } } }')
  world.packetPath.defence = {
    reading: () => ({ services: [], rules: [] }),
    set: (told) => {
      world.live = told
    },
  }
  return world
}

export const refuses = (promise: Promise<unknown>, code: string, words: RegExp): Promise<void> =>
  assert.rejects(promise, (e) => e instanceof TenbinError && e.code === code && words.test(e.message))

/** orderedTexts: what was told of orders, the newest first. */
export const orderedTexts = (world: World): string[] =>
  world.events!.latest().flatMap(({ kind, text }) => (kind === 'flood.ordered' ? [text] : []))
