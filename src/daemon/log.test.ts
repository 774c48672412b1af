import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LogOptions, openLog, prettyLine } from './log.ts'

function lines(options: Partial<LogOptions> = {}) {
  const written: string[] = []
  const log = openLog({
    level: 'info',
    pretty: false,
    colour: false,
    write: (line) => written.push(line),
    ...options,
  })
  return { log, written }
}

test('a log line is one JSON object with level, time and message', () => {
  const { log, written } = lines()
  log.info({ cause: 'reload' }, 'applied')
  assert.equal(written.length, 1)
  const line = JSON.parse(written[0]!) as Record<string, unknown>
  assert.equal(line.level, 'info')
  assert.equal(line.msg, 'applied')
  assert.equal(line.cause, 'reload')
  assert.match(String(line.time), /^\d{4}-\d\d-\d\dT/)
})

test('secrets never reach the log, at the top or one level down', () => {
  const { log, written } = lines()
  log.info({ key: 'hush-1', api: { token: 'hush-2', port: 1 }, vrrp: { password: 'hush-3' } }, 'opened')
  assert.doesNotMatch(written[0]!, /hush/)
  assert.match(written[0]!, /"port":1/)
})

test('lines below the level are not written', () => {
  const { log, written } = lines({ level: 'warn' })
  log.info('quiet')
  log.warn('loud')
  assert.equal(written.length, 1)
})

test('a terminal gets time, level, message and fields', () => {
  const json =
    '{"level":"warn","time":"2024-05-06T07:08:09.123Z","cause":"timer","list":["a b"],"msg":"address is back"}\n'
  assert.equal(prettyLine(json, false), '07:08:09 warn  address is back  cause=timer  list=["a b"]')
  assert.ok(prettyLine(json, true).includes('\x1b[33mwarn '))
})
