import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { lookAt } from '../../test/health/look-at.ts'
import { scriptedServer } from '../../test/health/scripted-server.ts'
import { parseIp } from '../base/addresses.ts'
import type { Probe } from '../config/check-spec.ts'
import { filesOf } from './check-files.ts'
import { compileCheck } from './compile.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenbin-compile-'))
after(() => rmSync(folder, { recursive: true }))
const passwordFile = join(folder, 'password')

test('a password’s file counts as it is at the time of the look, however it was changed', async () => {
  await using server = await scriptedServer({
    on: [
      [/AUTH[\s\S]*(first|second|third)\r\n/, '+OK\r\n'],
      [/AUTH/, '-WRONGPASS\r\n'],
      [/PING/, '+PONG\r\n'],
    ],
  })
  for (const probe of [
    { kind: 'redis', passwordFile },
    {
      kind: 'all',
      of: [{ probe: { kind: 'redis', passwordFile } }, { probe: { kind: 'tcp' } }],
    },
  ] satisfies Probe[]) {
    const checker = compileCheck({ probe }, parseIp('127.0.0.1'), server.port)
    const look = async () => (await lookAt(checker)).outcome
    rmSync(passwordFile, { force: true })
    assert.equal(await look(), 'none')
    writeFileSync(passwordFile, 'first\n')
    assert.equal(await look(), 'good')
    // kernels before 6.13 note the time of a change to the jiffy
    await delay(20)
    writeFileSync(passwordFile, 'wrong\n')
    assert.equal(await look(), 'bad')
    writeFileSync(`${passwordFile}.new`, 'third\n')
    renameSync(`${passwordFile}.new`, passwordFile)
    assert.equal(await look(), 'good')
    rmSync(passwordFile)
    assert.equal(await look(), 'none')
  }
})

test('all files of a check are known, and a check without any has none', () => {
  const tls = { verify: true, caFile: '/ca.pem' }
  const script = { kind: 'script' as const, command: ['/x'], isDynamic: false }
  const cases: readonly (readonly [Probe, readonly string[]])[] = [
    [{ kind: 'tcp' }, []],
    [{ kind: 'tls', ...tls }, ['/ca.pem']],
    [{ kind: 'smtp', hello: 'a', tls }, ['/ca.pem']],
    [{ kind: 'grpc', service: '', tls }, ['/ca.pem']],
    [{ kind: 'mysql', user: 'a', passwordFile: '/password' }, ['/password']],
    [{ ...script, user: 'nobody' }, ['/etc/passwd']],
    [{ ...script, user: '1:1' }, []],
    [
      { kind: 'any', of: [{ probe: { kind: 'tls', ...tls } }, { probe: { ...script, user: 'lb' } }] },
      ['/ca.pem', '/etc/passwd'],
    ],
  ]
  for (const [probe, files] of cases) assert.deepEqual(filesOf(probe), files)
})
