import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { strayPackets } from './stray-packets.ts'

test('what the kernel has found nobody for is read of both families, and of one where there is no other', () => {
  const folder = mkdtempSync(join(tmpdir(), 'stray-'))
  try {
    writeFileSync(
      join(folder, 'snmp'),
      `Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams
Ip: 2 64 1000 7 300 9
Udp: InDatagrams NoPorts InErrors
Udp: 11 40 13
UdpLite: InDatagrams NoPorts InErrors
UdpLite: 0 999 0
`,
    )
    assert.equal(strayPackets(folder), 340)
    writeFileSync(
      join(folder, 'snmp6'),
      'Ip6InReceives                   \t5000\nIp6InAddrErrors                 \t20\nUdp6NoPorts                     \t1\n',
    )
    assert.equal(strayPackets(folder), 361)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
