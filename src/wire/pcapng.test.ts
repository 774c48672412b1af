// pcapng, read by those who must be able to: Wireshark's own reader and tcpdump, and block by block.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ether, ipv4, packet, tcp } from './packet.ts'
import { encodePacket, encodeSection } from './pcapng.ts'
import { tcpFlag } from './tcp.ts'

const frame = packet(
  ether(),
  ipv4({ source: '198.51.100.7', destination: '192.0.2.10' }),
  tcp({ source: 40_000, destination: 80, flags: tcpFlag.SYN }),
)
const at = Date.UTC(2016, 7, 1, 20, 15, 30) + 123.456789
const file = Buffer.concat([
  encodeSection(['eth0', 'eth1'], { comment: 'of lb1', snapLength: 104 }),
  ...(['in', 'out'] as const).map((direction, i) =>
    encodePacket({
      interface: i,
      at: at + i,
      bytes: frame,
      length: frame.length + 1_000,
      direction,
      comment: `forwarded www web0${i} 天秤`,
    }),
  ),
])

test('blocks are padded, end as they begin, and give the time to the microsecond', () => {
  const types: number[] = []
  for (let offset = 0; offset < file.length; ) {
    const length = file.readUInt32LE(offset + 4)
    assert.equal(length % 4, 0)
    assert.equal(file.readUInt32LE(offset + length - 4), length)
    types.push(file.readUInt32LE(offset))
    if (types.at(-1) === 6) {
      const time = (BigInt(file.readUInt32LE(offset + 12)) << 32n) | BigInt(file.readUInt32LE(offset + 16))
      const expected =
        BigInt(Date.UTC(2016, 7, 1, 20, 15, 30) + (types.length - 4)) * 1_000_000n + 123_456_789n
      const differs = time - expected
      assert.ok(differs > -1_000n && differs < 1_000n, `${differs} ns`)
    }
    offset += length
  }
  assert.deepEqual(types, [0x0a0d0d0a, 1, 1, 6, 6])
})

test('a comment is cut where it is too long, and not inside a character', () => {
  const long = encodePacket({
    interface: 0,
    at,
    bytes: frame,
    length: frame.length,
    direction: 'in',
    comment: 'ü'.repeat(2_000),
  })
  const text = new TextDecoder('utf-8', { fatal: true })
  const start = 8 + 20 + Math.ceil(frame.length / 4) * 4
  const length = long.readUInt16LE(start + 2)
  assert.ok(length <= 1_024)
  assert.equal(text.decode(long.subarray(start + 4, start + 4 + length)), 'ü'.repeat(length / 2))
})

const readers: readonly (readonly [command: string, args: readonly string[], says: RegExp])[] = [
  [
    'tshark',
    [
      '-T',
      'fields',
      '-e',
      'frame.comment',
      '-e',
      'frame.interface_name',
      '-e',
      'frame.cap_len',
      '-e',
      'frame.len',
      '-r',
    ],
    /^forwarded www web00 天秤\teth0\t54\t1054\nforwarded www web01 天秤\teth1\t54\t1054\n$/,
  ],
  ['tcpdump', ['-nn', '-r'], /198\.51\.100\.7\.40000 > 192\.0\.2\.10\.80: Flags \[S\].*\n.*Flags \[S\]/],
]
for (const [command, args, says] of readers) {
  const isThere = spawnSync(command, ['--version']).error === undefined
  test(`${command} reads it without complaint`, { skip: !isThere && `${command} is not installed` }, () => {
    const directory = mkdtempSync(join(tmpdir(), 'tenbin-pcapng-'))
    try {
      const path = join(directory, 'capture.pcapng')
      writeFileSync(path, file)
      const { stdout, stderr, status } = spawnSync(command, [...args, path], { encoding: 'utf8' })
      assert.equal(status, 0, stderr)
      assert.match(stdout, says)
      const complaints = stderr.split('\n').filter((line) => !/^(reading from|Running as|$)/.test(line))
      assert.deepEqual(complaints, [])
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
}
