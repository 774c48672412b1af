import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { picture } from './picture.ts'
import { clip, LiveArea, outputOf, paintOf, wrapped } from './terminal.ts'
import { labTopology } from './topology.ts'

const stream = (isTTY: boolean) =>
  ({ isTTY, columns: 100, write: () => true, on: () => undefined }) as unknown as NodeJS.WriteStream

test('colours are for terminals only, and never with NO_COLOR or on a dumb one', () => {
  assert.equal(outputOf(stream(true), { TERM: 'xterm' }).coloured, true)
  assert.equal(outputOf(stream(true), { TERM: 'xterm', NO_COLOR: '1' }).coloured, false)
  assert.equal(outputOf(stream(true), { TERM: 'dumb' }).coloured, false)
  assert.equal(outputOf(stream(false), { TERM: 'xterm' }).coloured, false)
  assert.equal(paintOf({ coloured: false }).bad('text'), 'text')
  assert.equal(paintOf({ coloured: true }).bad('text'), '\x1b[31mtext\x1b[0m')
})

/** screenOf plays what was written on a terminal: each part between escapes is a command or text. */
function screenOf(text: string): string[] {
  const rows: string[] = []
  let at = 0
  for (const part of text.split('\x1b[')) {
    const up = /^(\d+)A/.exec(part)
    if (up) at -= Number(up[1])
    if (part.startsWith('J')) rows.length = at
    for (const line of part
      .replace(/^(\d+A|J|2K)/, '')
      .split('\n')
      .slice(0, -1))
      rows[at++] = line.replace('\r', '')
  }
  return rows
}

test('on a terminal lines replace each other, also when there are fewer of them', () => {
  let text = 'above\n'
  const area = new LiveArea({
    write: (part) => (text += part),
    isTerminal: true,
    coloured: false,
    columns: 80,
  })
  area.draw(['one', 'two', 'three'])
  area.draw(['four', 'five'])
  assert.deepEqual(screenOf(text), ['above', 'four', 'five'])
  area.finish(['six'])
  area.draw(['seven'])
  assert.deepEqual(screenOf(text), ['above', 'six', 'seven'])
})

test('lines that are wider than the terminal are cut, so that they stay one line, and keep their colours', () => {
  const { bad } = paintOf({ coloured: true })
  assert.equal(clip(`ab${bad('cd')}ef`, 3), `ab${bad('c')}`)
  assert.equal(clip(`ab${bad('cd')}`, 4), `ab${bad('cd')}`)
  let text = ''
  const area = new LiveArea({
    write: (part) => (text += part),
    isTerminal: true,
    coloured: false,
    columns: 5,
  })
  area.draw(['one two', 'three'])
  assert.deepEqual(screenOf(text), ['one ', 'thre'])
  area.finish(['one two'])
  assert.deepEqual(screenOf(text), ['one two'], 'what stays may wrap')
})

test('a console that says that it has no columns is as wide as others', () => {
  const console = { ...stream(true), columns: 0 } as NodeJS.WriteStream
  assert.equal(outputOf(console, {}).columns, 80)
})

test('elsewhere only the last lines appear, without control characters', () => {
  let text = ''
  const area = new LiveArea({
    write: (part) => (text += part),
    isTerminal: false,
    coloured: false,
    columns: 80,
  })
  area.draw(['one'])
  area.finish(['two', 'three'])
  assert.equal(text, 'two\nthree\n')
})

test('the drawing names every node that fits, stays within the terminal, and aligns with and without colour', () => {
  for (const [servers, ipv6] of [1, 2, 5, 50].flatMap((count) => [
    [count, false] as const,
    [count, true] as const,
  ])) {
    for (const columns of [ipv6 ? 62 : 60, 80, 120]) {
      const topology = labTopology('lab', { servers, ipv6 })
      const lines = picture(topology, columns, paintOf({ coloured: false }))
      for (const line of lines) assert.ok([...line].length <= columns, line)
      const text = lines.join('\n')
      for (const word of [
        'client',
        '10.0.0.200',
        'switch',
        'lb1',
        '10.0.0.100',
        ...(ipv6 ? ['2001:db8::200', '2001:db8::2', '2001:db8::100', '2001:db8::11'] : []),
        'web01',
        `web${`${servers}`.padStart(2, '0')}`,
      ]) {
        assert.ok(text.includes(word), `${word} with ${servers} servers in ${columns} columns`)
      }
      const coloured = picture(topology, columns, paintOf({ coloured: true })).map(stripVTControlCharacters)
      assert.deepEqual(coloured, lines)
    }
  }
})

test('a wide line is broken between words, keeps its indentation and its spaces, and a word stays whole', () => {
  assert.deepEqual(wrapped('   one two  three', 20), ['   one two  three'])
  assert.deepEqual(wrapped('   one two  three', 15), ['   one two', '   three'])
  assert.deepEqual(wrapped('  longer-than-it one', 6), ['  longer-than-it', '  one'])
  const { faint } = paintOf({ coloured: true })
  assert.deepEqual(wrapped(faint('12345 67'), 8), [faint('12345 67')])
  assert.deepEqual(wrapped(faint('12345 678'), 8).map(stripVTControlCharacters), ['12345', '678'])
  assert.deepEqual(wrapped('', 8), [''])
})
