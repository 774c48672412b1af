import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

let dir = ''
before(() => {
  dir = mkdtempSync(join(tmpdir(), 'main-'))
})
after(() => rmSync(dir, { recursive: true }))

interface End {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** tenbin runs the command as a process of its own; `isRead`: somebody reads its output. */
function tenbin(args: readonly string[], { isRead = true } = {}): Promise<End> {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const tsx = import.meta.resolve('tsx')
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', tsx, main, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: dir },
    })
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
    if (!isRead) child.stdout.destroy()
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
  })
}

test('the process ends with the command’s code and prints no stack trace', async () => {
  const file = join(dir, 'bad.yaml')
  writeFileSync(file, 'services: 1\n')
  for (const [line, code] of [
    ['version', 0],
    [`check ${file}`, 1],
    ['nonsense', 2],
    [`trace 192.0.2.1:1 192.0.2.2:2 --socket ${dir}/nobody.sock`, 3],
  ] as const) {
    const end = await tenbin(line.split(' '))
    assert.equal(end.code, code, `${line}: ${end.out}${end.err}`)
    assert.doesNotMatch(end.err, /\n\s+at /, line)
  }
})

test('a reader that goes away is no error', async () => {
  const { code, err } = await tenbin(['--help'], { isRead: false })
  assert.deepEqual([code, err], [0, ''])
})
