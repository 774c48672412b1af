// What the map of defence holds: settings, keys and what services have, each word by one store, so that it can be written
// while packets are decided about. What packets count there is left as it is.

import { sourceKeys } from './defence-keys.ts'
import { DefenceService, DefenceSettings } from './defence-memory.ts'
import { type DefenceTables, PROOF } from './defence-shape.ts'
import { perWindow, ticksOf } from './flow-clock.ts'
import { type Memory, timeOf } from './memory.ts'
import { SECRETS, secretWords } from './proof-secrets.ts'
import type { Shape } from './shape.ts'
import { MOST } from './source-table.ts'

/** fillDefence writes what is data of a shape's defence into the map's words. `services`: as many as have room. */
export function fillDefence(
  { defence: memory, serviceCapacity }: Memory,
  shape: Shape,
  tables: DefenceTables,
  keys: BigUint64Array,
  words: Uint32Array,
): void {
  const { offsets } = memory!.settings.type
  const clock = timeOf(shape)
  const store = (at: number, value: number) => Atomics.store(words, at / 4, value)
  const within = (perSecond: number) => (perSecond === 0 ? 0 : perWindow(clock, perSecond))
  const { allow, deny, bans, only, ceiling, proof, sources } = tables
  const at = (name: keyof typeof DefenceSettings.offsets) => offsets.settings + DefenceSettings.offsets[name]
  store(at('only'), only ? 1 : 0)
  store(at('ceiling'), within(ceiling))
  store(at('sourceNew'), Math.min(MOST, within(sources?.newPerS ?? 0)))
  store(at('sourceUdp'), Math.min(MOST, within(sources?.udpPerS ?? 0)))
  store(at('banTicks'), ticksOf(clock, sources?.banS ?? 0))
  store(at('rememberTicks'), ticksOf(clock, proof?.rememberS ?? 0))
  const storeKeys = (first: number, words: BigUint64Array) => {
    for (const [index, key] of words.entries()) {
      store(offsets.keys + 8 * (first + index), Number(key & 0xffffffffn))
      store(offsets.keys + 8 * (first + index) + 4, Number(key >> 32n))
    }
  }
  storeKeys(0, sourceKeys(keys))
  storeKeys(SECRETS.cookie, secretWords(keys))
  for (let service = 0; service < serviceCapacity; service++) {
    const { ceiling, proof: mode } = tables.services[service] ?? { ceiling: 0, proof: 'off' }
    const of = (name: keyof typeof DefenceService.offsets) =>
      offsets.services + DefenceService.size * service + DefenceService.offsets[name]
    store(of('ceiling'), within(ceiling))
    store(of('proof'), proof ? PROOF[mode] : PROOF.off)
    store(of('above'), within(proof?.above ?? 0))
    store(of('below'), within(proof?.below ?? 0))
    store(of('holdTicks'), ticksOf(clock, proof?.holdS ?? 0))
  }
  // last: now they are asked
  const drops = deny.length + bans.length > 0
  store(at('tries'), only || drops || allow.length > 0 ? 1 : 0)
  store(at('listed'), only || drops ? 1 : 0)
}
