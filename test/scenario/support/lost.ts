// What clients lose, on a machine that may stall: a request is given so long that only what is lost for good fails, is judged
// by when it began, and SYNs that had to be repeated, which such patience would hide, are counted by the client's kernel.

import type { Lab } from '../../../src/lab/held-lab.ts'
import type { TrafficCounts, TrafficOptions } from '../../../src/lab/traffic.ts'
import { networkCounters } from './network-counters.ts'

const TIMEOUT_MS = 3000

/** patient: requests at this rate; as many may wait as begin meanwhile, and as many again. */
export const patient = (
  ratePerSecond: number,
): Pick<TrafficOptions, 'ratePerSecond' | 'timeoutMs' | 'concurrency'> => ({
  ...{ ratePerSecond, timeoutMs: TIMEOUT_MS },
  concurrency: (2 * ratePerSecond * TIMEOUT_MS) / 1000,
})

/** Span of time: ms of the time of day. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** failedOf the requests that began in a span: how many. Of those under way nobody knows. */
export const failedOf = ({ failedBegan }: TrafficCounts, { from, to }: Span): number =>
  failedBegan.filter((at) => at >= from && at < to).length

/** repeatedSyns: how many SYNs the client's kernel has sent again, ever. */
export const repeatedSyns = async (lab: Lab): Promise<number> =>
  (await networkCounters(lab, 'client')).get('TcpExt.TCPSynRetrans')!
