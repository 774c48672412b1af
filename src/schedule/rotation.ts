// Turns that servers take one after the other: LVS's rr and wrr as a list of turns that is gone through for ever,
// so that the packet path only counts. wrr is the interleave of LVS: passes over the servers in their order, the
// first for those of the greatest weight, each further one for those down to a step less; the step is the weights'
// greatest common divisor. After a change of weights turns go on where LVS's would. Weights with more than
// MAX_TURNS turns are scaled down. Left out: who counts (the packet path), and servers over a threshold.
// References: net/netfilter/ipvs/ip_vs_rr.c, ip_vs_wrr.c (behaviour only).
//
//   weights 4 2 2, step 2     pass 0 (weight >= 4)  0
//                             pass 1 (weight >= 2)  0 1 2     turns 0 0 1 2, and again

import { invariant } from '../base/errors.ts'

/** RotationKind: `rr` takes every server with a weight once, `wrr` as often as its weight says. */
export type RotationKind = 'rr' | 'wrr'

/** MAX_TURNS: the length of a rotation at most. */
export const MAX_TURNS = 65_536

/** Rotation: `turns` are indexes into the weights that it was made of; empty when all weights are 0. */
export interface Rotation {
  readonly kind: RotationKind
  readonly turns: Uint16Array
  /** Where in `turns` each pass starts; rr has one pass. */
  readonly passes: Uint32Array
  /** By how much each pass reaches further down; 1 for rr. */
  readonly step: number
  /** By how much the most misjudged server's part of all turns is wrong, as a share of that part: 0 but for scaled weights. */
  readonly error: number
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))
const sum = (weights: readonly number[]): number => weights.reduce((total, weight) => total + weight, 0)

/** commonDivisor: the greatest of the weights above 0; 1 where there is none. */
const commonDivisor = (weights: readonly number[]): number => weights.reduce(gcd, 0) || 1

/** scaled: weights that make MAX_TURNS turns at most, and as near the given ones as whole numbers can be. */
function scaled(weights: readonly number[]): readonly number[] {
  const total = sum(weights)
  const able = weights.filter((weight) => weight > 0).length
  return weights.map((weight) => (weight === 0 ? 0 : 1 + Math.floor((weight * (MAX_TURNS - able)) / total)))
}

function errorOf(weights: readonly number[], taken: readonly number[]): number {
  const ratio = sum(weights) / sum(taken)
  return weights.reduce(
    (worst, weight, i) =>
      weight === 0 ? worst : Math.max(worst, Math.abs((taken[i]! * ratio) / weight - 1)),
    0,
  )
}

/** rotation of servers with these weights, in LVS's order of them. */
export function rotation(kind: RotationKind, weights: readonly number[]): Rotation {
  invariant(weights.length <= MAX_TURNS / 2, `${weights.length} servers`)
  const wanted = kind === 'rr' ? weights.map((weight) => Math.min(weight, 1)) : weights
  const fits = sum(wanted) / commonDivisor(wanted) <= MAX_TURNS
  const taken = fits ? wanted : scaled(wanted)
  const step = commonDivisor(taken)
  const turns: number[] = []
  const passes: number[] = []
  const levels = [...new Set(taken)].filter((weight) => weight > 0).sort((a, b) => b - a)
  for (const [i, level] of levels.entries()) {
    const members = taken.flatMap((weight, member) => (weight >= level ? [member] : []))
    for (let least = level; least > (levels[i + 1] ?? 0); least -= step) {
      passes.push(turns.length)
      for (const member of members) turns.push(member)
    }
  }
  return {
    kind,
    turns: Uint16Array.from(turns),
    passes: Uint32Array.from(passes),
    step,
    error: fits ? 0 : errorOf(wanted, taken),
  }
}

/** Place: how far turns have come, in LVS's terms, so that it outlives the weights. */
export interface Place {
  /** rr: the server that had the last turn; -1 = nobody yet. */
  readonly server: number
  /** wrr: the least weight that the pass under way asks for, less what all weights have in common but 1; 0 = none. */
  readonly asked: number
}

/** START: nobody had a turn yet. */
export const START: Place = { server: -1, asked: 0 }

/** askedBy: what a pass asks for; the last one, 1. */
const askedBy = ({ passes, step }: Rotation, pass: number): number => (passes.length - 1 - pass) * step + 1

/** placeAfter: where turns are once `turn` of a rotation is taken. */
export function placeAfter(of: Rotation, turn: number): Place {
  const pass = of.passes.findLastIndex((start) => start <= turn)
  return { server: of.turns[turn]!, asked: askedBy(of, pass) }
}

/**
 * goOn: the turn of a rotation that comes next when weights have changed to its own, as LVS does it. rr goes on behind
 * the server that had the last turn. wrr starts again with the first server, in a pass that asks for about as much as
 * the one that it was in. `place` is where turns are then, while none is taken.
 */
export function goOn(
  { server, asked }: Place,
  to: Rotation,
): { readonly turn: number; readonly place: Place } {
  if (to.kind === 'rr') {
    const turn = to.turns.findIndex((member) => member > server)
    return { turn: Math.max(0, turn), place: { server, asked } }
  }
  if (to.turns.length === 0) return { turn: 0, place: { server, asked: 0 } }
  let pass = 0
  if (asked > 0 && asked <= askedBy(to, 0)) {
    const left = to.step > 1 ? Math.floor(asked / to.step) + 1 : asked
    pass = to.passes.length - left
  }
  return { turn: to.passes[pass]!, place: { server, asked: askedBy(to, pass) } }
}
