import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TenbinError } from './errors.ts'
import { Pattern } from './pattern.ts'

/** matches: as one piece, and byte by byte, which must be the same. */
function matches(pattern: Pattern, text: string): boolean {
  const bytes = Buffer.from(text)
  const whole = pattern.matcher()
  const isFound = whole.feed(bytes) || whole.end()
  const slow = pattern.matcher()
  for (const byte of bytes) slow.feed(Uint8Array.of(byte))
  assert.equal(slow.end(), isFound, `${pattern.source} on ${JSON.stringify(text)} by bytes`)
  return isFound
}

test('a pattern matches what a regular expression of JavaScript matches', () => {
  const atom = fc.constantFrom(
    'a',
    'b',
    'c',
    '.',
    '[ab]',
    '[^a]',
    '[^B-b1]',
    '\\d',
    '\\w',
    '\\W',
    '(a|bc)',
    '(?:ab)',
    'é',
  )
  const piece = fc.tuple(atom, fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,3}', '{2,}', '*?'))
  const sequence = fc.array(piece, { minLength: 1, maxLength: 5 }).map((parts) => parts.flat().join(''))
  const expression = fc
    .tuple(fc.constantFrom('', '^'), sequence, fc.constantFrom('', '$', `|b$`, '|^c'))
    .map((parts) => parts.join(''))
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'A', 'C', '1', '\n', '_'), maxLength: 12 })
  let compared = 0
  fc.assert(
    fc.property(expression, text, fc.boolean(), (plain, subject, isFolded) => {
      const source = isFolded ? `(?i)${plain}` : plain
      const expected = new RegExp(plain, isFolded ? 'i' : '')
      // One that matches an empty answer is refused.
      fc.pre(!expected.test(''))
      compared++
      assert.equal(matches(Pattern.compile(source), subject), expected.test(subject), source)
    }),
    { numRuns: 3000 },
  )
  assert.ok(compared > 1000)
})

test('classes, escapes, case and text that is not ASCII', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['^HTTP/1\\.[01] 2\\d\\d', 'HTTP/1.1 204 No', true],
    ['^HTTP/1\\.[01] 2\\d\\d', 'HTTP/1x1 204 No', false],
    ['(?i)ok', 'it is oK', true],
    ['(?i)[a-c]Z', 'Bz', true],
    ['(?i)^[^a]$', 'a', false],
    ['(?i)^[^a]$', 'A', false],
    ['(?i)^[^A]$', 'b', true],
    ['(?i)^\\x41$', 'a', true],
    ['[]x]', ']', true],
    ['[^]]', ']', false],
    ['[a\\-z]', '-', true],
    ['[a-]', '-', true],
    ['\\x41\\t', 'A\t', true],
    ['日本+', '日本本', true],
    ['^é{2}$', 'éé', true],
    ['\\S\\D\\W', 'ab!', true],
    ['a.c', 'a\nc', false],
    ['up$', 'up\n', false],
    ['{x}', '{x}', true],
  ]
  for (const [source, text, isMatch] of cases)
    assert.equal(matches(Pattern.compile(source), text), isMatch, `${source} on ${JSON.stringify(text)}`)
})

test('what could take for ever, or says nothing, is refused with the reason', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['(a)\\1', /refers back by \\1/],
    ['(?=a)b', /begins with \(\?/],
    ['a(?i)b', /begins with \(\?/],
    ['(a{200}){200}', /too large, more than 256 steps/],
    ['a{999}', /more than 256 times/],
    ['a{3,2}', /runs backwards: \{3,2\}/],
    ['a**', /repeats a repetition/],
    ['*a', /repeats nothing: write \\\*/],
    ['(a', /leaves a group open/],
    ['a)', /closes a group that is not open/],
    ['[a', /leaves \[ open/],
    ['[z-a]', /runs backwards/],
    ['[a-\\d]', /ends in a class/],
    ['[é]', /not ASCII/],
    ['\\q', /\\q, which is not known/],
    ['\\x4', /without two hexadecimal digits/],
    ['a\\', /ends in a backslash/],
    ['^*', /repeats \^ or \$/],
    ['a*', /matches an empty answer/],
    ['', /matches an empty answer/],
    [`${'('.repeat(33)}a${')'.repeat(33)}`, /more than 32 deep/],
  ]
  for (const [source, why] of cases)
    assert.throws(
      () => Pattern.compile(source),
      (error) => error instanceof TenbinError && error.code === 'PATTERN_INVALID' && why.test(error.message),
      source,
    )
})

test('an expression that explodes elsewhere costs the same for every byte', () => {
  const source = '^(a+)+$|(a|a)*b|(a?){40}a{40}c'
  const matcher = Pattern.compile(source).matcher()
  const bytes = Buffer.alloc(65_536, 'a')
  assert.equal(matcher.feed(bytes), false)
  assert.equal(matcher.feed(Buffer.from('!')), false)
  assert.equal(matcher.end(), false)
})

test('repeating nothing costs nothing', () => {
  const started = performance.now()
  for (const nothing of ['', 'a{0}', '()()', '(){0,256}']) {
    const nested = Array.from({ length: 12 }).reduce<string>((inner) => `(${inner}){256}`, nothing)
    const pattern = Pattern.compile(`x${nested}y`)
    assert.ok(matches(pattern, 'xy') && !matches(pattern, 'x'))
  }
  assert.ok(performance.now() - started < 1000)
})

test('a literal is found across pieces, special characters and all', () => {
  const matcher = Pattern.literal(Buffer.from('+OK (x)')).matcher()
  assert.equal(matcher.feed(Buffer.from('..+O')), false)
  assert.equal(matcher.feed(Buffer.from('K (x')), false)
  assert.equal(matcher.feed(Buffer.from(')')), true)
})
