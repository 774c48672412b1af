import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import { ConfigError } from '../config/config-error.ts'
import { Problems, problem } from '../daemon/problem.ts'
import { SyscallError } from '../sys/syscall.ts'
import { type Context, paintFor } from './context.ts'
import { tellFailure } from './failure.ts'

function told(error: unknown, json = false) {
  const out: string[] = []
  const err: string[] = []
  const context: Context = {
    out: (text) => out.push(text),
    write: (text) => out.push(text),
    err: (text) => err.push(text),
    paint: paintFor(false),
    isColoured: false,
    isTerminal: false,
    ask: () => Promise.resolve(false),
    columns: 80,
    rows: 24,
  }
  return { code: tellFailure(context, error, json), out, err }
}

test('one problem is one line and its remedy', () => {
  assert.deepEqual(told(new TenbinError('DAEMON_RUNNING', 'start', { detail: 'process 7 works' })), {
    code: 1,
    out: [],
    err: [
      'tenbin: start: process 7 works',
      '  remedy: stop it first (systemctl stop tenbin, or the pid named), or name another instance with --instance',
    ],
  })
})

test('several problems are listed, each remedy once', () => {
  const problems = new Problems('apply', [
    problem('SERVER_OFF_LINK', 'web1 is far'),
    problem('SERVER_OFF_LINK', 'web2 is far'),
  ])
  const { err, out } = told(problems)
  assert.deepEqual(out, [])
  assert.deepEqual(err.slice(0, 3), ['tenbin: 2 problems', '  web1 is far', '  web2 is far'])
  assert.equal(err.length, 4)
})

test('findings of a file keep their places, also a single one', () => {
  const findings = [{ file: 'a.yaml', line: 3, column: 7, message: 'no such server' }]
  const { err } = told(new ConfigError('CONFIG_INVALID', 'read a.yaml', { findings }))
  assert.deepEqual(err.slice(0, 2), ['tenbin: the file has an error', '  a.yaml:3:7: no such server'])
})

test('exit codes say whether the daemon is absent, a right is missing or the command line is wrong', () => {
  assert.equal(told(new TenbinError('LAB_OPTION_INVALID', 'lab')).code, 2)
  assert.equal(told(new TenbinError('DAEMON_ABSENT', 'ask')).code, 3)
  assert.equal(told(new TenbinError('NOT_PERMITTED', 'ask')).code, 4)
  assert.equal(told(new SyscallError('bpf', 1)).code, 4, 'EPERM for root too')
  assert.equal(told(new SyscallError('bpf', 13)).code, 4, 'EACCES')
  assert.equal(told(new SyscallError('bpf', 22)).code, 1, 'EINVAL')
})

test('with --json the error is one object on standard output', () => {
  const { out, err } = told(new TenbinError('DAEMON_ABSENT', 'ask', { detail: 'nobody' }), true)
  assert.deepEqual(err, [])
  const { error } = JSON.parse(out[0]!) as { error: Record<string, unknown> }
  assert.deepEqual([error.code, error.message, 'problems' in error], ['DAEMON_ABSENT', 'ask: nobody', false])
})

test('a bug is no failure to be told nicely', () => {
  assert.throws(() => told(new TypeError('x is undefined')), TypeError)
})
