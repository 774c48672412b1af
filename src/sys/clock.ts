// How fast the kernel's own clock ticks. Its coarse clocks move once a jiffy, so their resolution is a jiffy's length:
// nothing else tells CONFIG_HZ to every process. Reference: clock_getres(2), include/uapi/linux/time.h.

import { nativeCall } from './syscall.ts'

const CLOCK_MONOTONIC_COARSE = 6
const getResolution = nativeCall('clock_getres', 'int', ['int', 'buffer'])

/** jiffiesPerSecond: CONFIG_HZ of the kernel that runs. Throws SyscallError. */
export function jiffiesPerSecond(): number {
  const resolution = Buffer.alloc(16)
  getResolution(CLOCK_MONOTONIC_COARSE, resolution)
  const [seconds, nanoseconds] = [resolution.readBigInt64LE(0), resolution.readBigInt64LE(8)]
  return Math.round(1e9 / Number(seconds * 1_000_000_000n + nanoseconds))
}
