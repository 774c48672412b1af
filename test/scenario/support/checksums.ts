// What tcpdump says of the checksums in a capture file: it works each of them out anew, IP, TCP and UDP.

import type { Lab } from '../../../src/lab/held-lab.ts'

/** Checksums: how many of TCP and UDP are right, and the lines of those (IP's too) that are wrong. */
export interface Checksums {
  readonly right: number
  readonly wrong: readonly string[]
}

/** checksums reads a capture file. Frames must be whole in it. */
export async function checksums(lab: Lab, file: string): Promise<Checksums> {
  const lines = (await lab.run('client', ['tcpdump', '-nn', '-vv', '-r', file])).split('\n')
  return {
    right: lines.filter((line) => /cksum 0x[0-9a-f]{4} \(correct\)|\[udp sum ok\]/.test(line)).length,
    wrong: lines.filter((line) => /incorrect|bad (ip|hdr|udp)? ?cksum|\[bad|wrong/i.test(line)),
  }
}
