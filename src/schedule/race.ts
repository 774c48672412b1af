// A weighted race: each runner draws a time from an exponential distribution whose rate is its weight, the
// shortest time wins, and a runner wins in proportion to its weight among whoever runs (weighted rendezvous
// hashing). The logarithm is computed here with nothing but the four operations, which IEEE 754 defines to the
// bit: Math.log may differ between machines, and two nodes must agree on every slot.

import { mix32 } from './mix.ts'

const { LN2 } = Math

/** minusLog: -ln(u / 2^32) for an odd u of 1..2^32-1, to 12 digits. */
function minusLog(u: number): number {
  const lead = Math.clz32(u)
  // u / 2^32 = mantissa * 2^exponent with a mantissa of 2/3..4/3
  let mantissa = ((u << lead) >>> 0) / 0x80000000
  let exponent = -1 - lead
  if (mantissa > 4 / 3) {
    mantissa /= 2
    exponent++
  }
  // ln m = 2 artanh z = 2 (z + z^3/3 + z^5/5 + ...), |z| <= 1/5
  const z = (mantissa - 1) / (mantissa + 1)
  const s = z * z
  const series =
    1 + s * (1 / 3 + s * (1 / 5 + s * (1 / 7 + s * (1 / 9 + s * (1 / 11 + s * (1 / 13 + s / 15))))))
  return -(exponent * LN2 + 2 * z * series)
}

/** raceTime: the time of a runner that drew `lot` (0..2^32-1), in units of 2^-32. */
export const raceTime = (lot: number, weight: number): number =>
  (minusLog((lot | 1) >>> 0) * 0x100000000) / weight

/** lotOf: what a runner with this mark draws in this race. */
export const lotOf = (race: number, mark: number): number => mix32(race ^ mark)

/** raceWinner: the index of the runner with the shortest time, the first of equals; -1 if nobody runs. */
export function raceWinner(race: number, marks: Int32Array, weights: Float64Array): number {
  let best = Number.POSITIVE_INFINITY
  let winner = -1
  for (let i = 0; i < marks.length; i++) {
    // lotOf, written out: as calls these lines take five times as long
    let h = race ^ marks[i]!
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
    const lot = (h ^ (h >>> 16)) >>> 0
    // since -ln u >= 1 - u, most are surely too late without a logarithm
    if (0xffffffff - lot >= best * weights[i]!) continue
    const time = raceTime(lot, weights[i]!)
    if (time >= best) continue
    best = time
    winner = i
  }
  return winner
}

/** equalWinner is raceWinner where all weights are the same: the largest lot, with its last bit set, has the shortest time. */
export function equalWinner(race: number, marks: Int32Array): number {
  let best = -0x80000001
  let winner = -1
  for (let i = 0; i < marks.length; i++) {
    let h = race ^ marks[i]!
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
    // whole numbers with a sign are compared sooner: half of all are added to each
    const lot = (h ^ (h >>> 16) ^ -0x80000000) | 1
    if (lot <= best) continue
    best = lot
    winner = i
  }
  return winner
}

/**
 * raceOrder: the indexes of the first `count` runners, in the order in which they come in; fewer if fewer run. Worth it for
 * several at once: of one, raceWinner says the same sooner.
 */
export function raceOrder(race: number, marks: Int32Array, weights: Float64Array, count: number): number[] {
  const order: number[] = []
  const times: number[] = []
  let last = Number.POSITIVE_INFINITY
  for (let i = 0; i < marks.length; i++) {
    const lot = lotOf(race, marks[i]!)
    if (0xffffffff - lot >= last * weights[i]!) continue
    const time = raceTime(lot, weights[i]!)
    if (time >= last) continue
    let place = order.length
    while (place > 0 && times[place - 1]! > time) place--
    order.splice(place, 0, i)
    times.splice(place, 0, time)
    if (order.length > count) {
      order.pop()
      times.pop()
    }
    if (order.length === count) last = times.at(-1)!
  }
  return order
}
