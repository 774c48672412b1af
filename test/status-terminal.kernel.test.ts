// `tenbin status` on a real terminal: a pseudo-terminal of script(1) whose size stty(1) sets. The daemon's answer is a
// status of the test's own, given by the daemon's own API server.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { failed, statusOf } from '../src/cli/status.fixture.ts'
import { apiApp } from '../src/daemon/api-app.ts'
import type { Operations } from '../src/daemon/api-routes.ts'
import type { Status } from '../src/daemon/api-schema.ts'
import { serveApi } from '../src/daemon/api-server.ts'
import { openLog } from '../src/daemon/log.ts'
import { tenbin } from './scenario/support/tenbin.ts'

/** shown: the lines that `tenbin status` writes on a terminal of this size, and its exit code. */
async function shown(status: Status, columns: number, rows: number, ...words: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'tenbin-terminal-'))
  const socket = join(folder, 'api.sock')
  const log = openLog({ level: 'error', pretty: false, colour: false, write: () => undefined })
  const operations = { status: () => Promise.resolve(status) } as unknown as Operations
  const api = await serveApi(socket, apiApp(operations, log))
  try {
    const command = tenbin(['status', '--socket', socket, ...words]).join(' ')
    const script = `stty cols ${columns} rows ${rows}; exec ${command}`
    const child = spawn('script', ['-qec', script, '/dev/null'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TERM: 'xterm', SHELL: '/bin/sh' },
    })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
    const [code] = await once(child, 'close')
    return { code, text, lines: stripVTControlCharacters(text).trimEnd().split('\r\n') }
  } finally {
    await api.close()
    rmSync(folder, { recursive: true })
  }
}

test('on a terminal of 80 columns and 24 rows a status of 40 services with long names wraps and scrolls nowhere', async () => {
  const status = statusOf({ services: 40, servers: 40, isLong: true }, (_, server) =>
    server === 33 ? failed('connect: refused') : {},
  )
  const { code, text, lines } = await shown(status, 80, 24)
  assert.equal(code, 0)
  assert.ok(text.includes('\x1b[31m'), 'it is a terminal: there are colours')
  assert.ok(lines.length <= 23, `${lines.length} lines`)
  for (const line of lines) assert.ok(line.length <= 80, `${line.length}: ${line}`)
  assert.match(lines.at(-1)!, /^\d+ more, none of them troubled: tenbin status --all/)
  const all = await shown(status, 80, 24, '--all')
  for (const line of all.lines) assert.ok(line.length <= 80, `${line.length}: ${line}`)
  assert.ok(all.lines.length > 80)
})

test('a wider terminal is made use of', async () => {
  const { lines } = await shown(statusOf({ services: 2, servers: 3, isLong: true }), 250, 50)
  assert.ok(lines.some((line) => line.length > 150))
  for (const line of lines) assert.ok(line.length <= 250 && !line.includes('…'), line)
})
