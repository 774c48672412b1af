import assert from 'node:assert/strict'
import { test } from 'node:test'
import { version } from '../daemon/version.ts'
import { capture } from './captured.ts'
import type { CommandSpec } from './command.ts'
import { processContext } from './context.ts'
import { commands } from './program.ts'

const all: readonly (readonly [string, CommandSpec])[] = commands.flatMap((spec) =>
  'words' in spec
    ? [[spec.words.split(' ')[0]!, spec] as const]
    : spec.commands.map((each) => [`${spec.word} ${each.words.split(' ')[0]}`, each] as const),
)

test('every command has help with examples and exit codes, within 80 columns where it wraps', async () => {
  assert.ok(all.length >= 20)
  for (const [words, spec] of all) {
    const { code, out } = await capture([...words.split(' '), '--help'])
    assert.equal(code, 0, words)
    assert.match(out, new RegExp(`^Usage: tenbin ${words}`))
    assert.match(out, /\nExamples:\n {2}\S/)
    assert.match(out, /\nExit codes:\n {2}0 {2}done\n/)
    for (const [command] of spec.examples) assert.ok(out.includes(command), `${words}: ${command}`)
    assert.doesNotMatch(out, /undefined|run-dir/)
  }
})

test('a word with several commands has help with an example of each, and says which is meant by it alone', async () => {
  for (const spec of commands) {
    if ('words' in spec) continue
    const { out } = await capture([spec.word, '--help'])
    for (const { examples } of spec.commands) assert.ok(out.includes(examples[0]![0]), spec.word)
    assert.match(out, /\nExit codes:\n {2}0 {2}done\n/)
    assert.equal(out.includes('alone is'), spec.usual !== undefined)
  }
  const { out } = await capture(['flood', '--help'])
  for (const text of ['show -f', 'show --json', '`tenbin flood` alone is `tenbin flood show`', 'not root'])
    assert.ok(out.includes(text), text)
})

test('every example of help is a command line that is understood', async () => {
  const examples = all.flatMap(([, spec]) => spec.examples.map(([command]) => command))
  for (const example of examples) {
    const line = example.split(/&&|\|/).find((part) => part.trim().startsWith('tenbin'))!
    const words = line.trim().split(/\s+/).slice(1)
    const { code, out } = await capture([...words.filter((word) => word !== '--'), '--help'])
    assert.equal(code, 0, example)
    assert.match(out, /Usage: tenbin/)
  }
})

test('what cannot be understood ends with 2, on standard error, with what was meant', async () => {
  for (const [line, said] of [
    ['stats', /unknown command 'stats'\n\(Did you mean status\?\)/],
    ['lab upp', /unknown command 'upp'/],
    ['run', /required option '-c, --config <file>'/],
    ['run -c x --log-level loud', /Allowed choices are debug, info, warn, error/],
    ['check', /missing required argument 'file'/],
    ['check a b', /too many arguments/],
    ['status --jsn', /unknown option '--jsn'\n\(Did you mean --json\?\)/],
    ['lab up --servers many', /--servers takes a whole number, not "many"/],
    ['lab demo --servers -1', /--servers/],
    ['lab attack smurf', /there is no attack "smurf": syn, syn-spoofed, udp, ack, carpet, slow/],
    ['lab attack syn --rate 0', /--rate takes 1 to 100000000, not 0/],
    ['lab attack slow --rate max', /--rate of slow takes a number/],
    ['lab attack syn --window 65536', /--window takes 0 to 65535, not 65536/],
    ['lab attack udp --for 10', /--for takes a time such as 10s: .*"10" has no unit/],
    ['weight web01 many', /a weight is a whole number from 0 to 65535, not "many"/],
    ['weight web01 65536', /a weight is a whole number from 0 to 65535, not "65536"/],
    ['weight web01', /missing required argument 'weight'/],
    ['drain web01 --deadline 10', /--deadline: "10" has no unit: write 10s or 10ms/],
    ['drain', /missing required argument 'server'/],
    ['trace web01:80 10.0.0.1:80', /"web01:80" is not ADDRESS:PORT/],
    ['trace 10.0.0.1:80 10.0.0.1', /"10\.0\.0\.1" is not ADDRESS:PORT/],
    ['trace 10.0.0.1:80/udp 10.0.0.1:80', /"10\.0\.0\.1:80\/udp" is not ADDRESS:PORT, like/],
    ['trace 10.0.0.1:80 10.0.0.1:80/sctp', /is not ADDRESS:PORT or ADDRESS:PORT\/udp/],
    ['trace 2001:db8::1:80 [2001:db8::10]:80', /"2001:db8::1:80" is not .*\[2001:db8::1\]:80/],
  ] as const) {
    const { code, out, err } = await capture(line.split(' '))
    assert.equal(code, 2, line)
    assert.equal(out, '', line)
    assert.match(err, /^tenbin: /, line)
    assert.match(err, said, line)
  }
})

test('tenbin alone prints its help and ends with 2', async () => {
  const { code, out, err } = await capture([])
  assert.equal(code, 2)
  assert.equal(out, '')
  assert.match(err, /Usage: tenbin/)
})

test('version is printed by command and by option', async () => {
  assert.deepEqual(await capture(['version']), { code: 0, out: `tenbin ${version}\n`, err: '' })
  assert.deepEqual(await capture(['--version']), { code: 0, out: `tenbin ${version}\n`, err: '' })
  assert.deepEqual(JSON.parse((await capture(['version', '--json'])).out), { name: 'tenbin', version })
})

test('an instance that cannot be named is refused by every command that takes one', async () => {
  for (const line of ['status', 'trace 192.0.2.1:1 192.0.2.2:2', 'debug listing', 'down', 'run -c x']) {
    const { code, err } = await capture([...line.split(' '), '--instance', '../etc'])
    assert.equal(code, 1, line)
    assert.match(err, /^tenbin: instance: "\.\.\/etc" cannot name an instance\n {2}remedy: /)
  }
})

test('colours only on a terminal, and never with NO_COLOR', () => {
  const colours = (isTTY: boolean, env: NodeJS.ProcessEnv) =>
    processContext({ stdout: { isTTY, columns: 100 }, env } as unknown as NodeJS.Process).paint.good('x') !==
    'x'
  assert.equal(colours(true, {}), true)
  assert.equal(colours(false, {}), false)
  assert.equal(colours(true, { NO_COLOR: '1' }), false)
  assert.equal(colours(true, { NO_COLOR: '' }), true)
  assert.equal(colours(true, { TERM: 'dumb' }), false)
})
