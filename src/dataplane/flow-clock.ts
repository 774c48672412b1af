// The time that records hold, and what is measured with it. Jiffies are cheap to read on every packet; a tick of about
// 64 ms is fine enough for time-outs, and counted in 30 bits it comes round after two years: only differences are used.

import type { Clock, FlowsShape } from './shape.ts'

/** TICK_SECONDS: what a tick is near. */
const TICK_SECONDS = 0.064

/** clockOf: the kernel's clock where there are `hz` jiffies a second. */
export const clockOf = (hz: number, source: Clock['source'] = 'jiffies'): Clock => ({
  source,
  hz,
  shift: Math.max(0, Math.round(Math.log2(hz * TICK_SECONDS))),
})

/** ticksOf: whole ticks of so many seconds, rounded up: what has been silent for less is not expired. */
export const ticksOf = ({ hz, shift }: Pick<Clock, 'hz' | 'shift'>, seconds: number): number =>
  Math.ceil((seconds * hz) / 2 ** shift)

/** secondTicks: 2^so many ticks are about a second, in which new records are counted. */
export const secondTicks = ({ hz, shift }: Pick<Clock, 'hz' | 'shift'>): number =>
  Math.max(0, Math.round(Math.log2(hz)) - shift)

/** secondShift: 2^so many jiffies are about a second. */
export const secondShift = ({ hz }: Pick<Clock, 'hz'>): number => Math.round(Math.log2(hz))

/** perWindow: how many of so many a second there are in a window of 2^secondShift jiffies: one at least. */
export const perWindow = (clock: Pick<Clock, 'hz' | 'shift'>, perSecond: number): number =>
  Math.max(1, Math.floor((perSecond * 2 ** secondShift(clock)) / clock.hz))

/** FlowLimits: what the packet path compares with: ages in ticks, and the records a CPU makes in 2^secondTicks of them. */
export interface FlowLimits {
  readonly syn: number
  readonly established: number
  readonly newFlows: number
}

/** limitsOf: records of UDP have the state of established ones. */
export const limitsOf = ({ clock, idle, newFlows }: FlowsShape): FlowLimits => ({
  syn: ticksOf(clock, idle.syn),
  established: ticksOf(clock, Math.max(idle.established, idle.udp)),
  newFlows: Math.max(1, Math.floor((newFlows * 2 ** (secondTicks(clock) + clock.shift)) / clock.hz)),
})
