import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostileServer, hostilities } from '../../../test/health/hostile-servers.ts'
import { descriptors, lookAt, loopback, returns } from '../../../test/health/look-at.ts'
import type { Checker, Target } from '../checker.ts'
import { agent } from './agent.ts'
import { dns } from './dns.ts'
import { ftp } from './ftp.ts'
import { grpc } from './grpc.ts'
import { mysql } from './mysql.ts'
import { postgres } from './postgres.ts'
import { redis } from './redis.ts'
import { smtp } from './smtp.ts'

/** What a right server says first, or after it was spoken to, so that the hostile ones begin like one. */
const kinds: Readonly<
  Record<string, { checker: (target: Target) => Checker; right: string; waits: boolean }>
> = {
  ftp: { checker: ftp, right: '220 (vsFTPd 3.0.3)\r\n', waits: false },
  smtp: {
    checker: (target) => smtp(target, { hello: 'lb1' }),
    right: '220 mail.example ESMTP\r\n',
    waits: false,
  },
  redis: { checker: redis, right: '+PONG\r\n', waits: true },
  agent: { checker: agent, right: 'wait for it\n', waits: false },
  postgres: {
    checker: (target) => postgres(target, { user: 'tenbin' }),
    right: 'R\0',
    waits: true,
  },
  mysql: { checker: mysql, right: '\x4a\0\0\0\x0a8.0.36\0\0\0\0\0', waits: false },
  grpc: {
    checker: (target) => grpc(target, { service: '', host: 'x' }),
    right: '\0\0\0\x04\0\0\0\0\0\0\0\0\0\x01\0\0\0\0',
    waits: true,
  },
  dns: {
    checker: (target) => dns(target, { transport: 'tcp', name: 'example.net', type: 'A' }),
    right: '\0\x40\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0',
    waits: true,
  },
}

for (const [name, { checker, right, waits }] of Object.entries(kinds))
  test(`${name}: no hostile server is up, none keeps a verdict, memory or a descriptor`, async () => {
    const before = descriptors()
    const memory = process.memoryUsage().rss
    for (const kind of hostilities) {
      await using server = await hostileServer(kind, { right: Buffer.from(right, 'latin1'), waits })
      const finding = await lookAt(checker(loopback(server.port)), 300)
      // One who says all of it at once, and much behind it, was right first.
      if (kind === 'gigabyte' && name === 'redis') assert.equal(finding.text, 'PONG')
      else assert.equal(finding.outcome, 'bad', `${kind}: ${finding.text}`)
      if (kind === 'refused') assert.equal(finding.text, 'connect: refused')
      if (kind === 'mute') assert.match(finding.text, /timed out after 300ms$/)
      assert.match(finding.text, /^[\x20-\x7e…]{1,250}$/)
    }
    await returns(descriptors, before, 'descriptors')
    const grown = (process.memoryUsage().rss - memory) / 2 ** 20
    assert.ok(grown < 100, `${grown} MiB more`)
  })
