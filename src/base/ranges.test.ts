import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatIp, type Ip4, parseIp4 } from './addresses.ts'
import { TenbinError } from './errors.ts'
import { addressAt, isName, nameAt, namesOf, parseAddresses, parseNames, RANGE_LIMIT } from './ranges.ts'

const refusal = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    assert.ok(error instanceof TenbinError && error.code === 'RANGE_INVALID', String(error))
    return error.detail!
  }
  assert.fail('not refused')
}

test('names expand with the zeros that they were written with', () => {
  for (const [text, names] of [
    ['web01', ['web01']],
    ['web', ['web']],
    ['web01..03', ['web01', 'web02', 'web03']],
    ['web8..11', ['web8', 'web9', 'web10', 'web11']],
    ['web008..10', ['web008', 'web009', 'web010']],
    ['web09..101', undefined],
    ['r2d1..2', ['r2d1', 'r2d2']],
    ['a.b-1..2', ['a.b-1', 'a.b-2']],
    ['web1..1', ['web1']],
  ] as const) {
    const range = parseNames(text)
    if (names) assert.deepEqual(namesOf(range), names, text)
    else assert.deepEqual([range.count, nameAt(range, 0), nameAt(range, 92)], [93, 'web09', 'web101'])
  }
})

test('addresses expand by their last number or to an end in full', () => {
  for (const [text, first, last, count] of [
    ['192.168.8.11', '192.168.8.11', '192.168.8.11', 1],
    ['192.168.8.11..20', '192.168.8.11', '192.168.8.20', 10],
    ['192.168.8.0..255', '192.168.8.0', '192.168.8.255', 256],
    ['192.168.8.250..192.168.9.4', '192.168.8.250', '192.168.9.4', 11],
    ['10.0.0.1..10.0.127.255', '10.0.0.1', '10.0.127.255', 32_767],
  ] as const) {
    const range = parseAddresses(text)
    assert.deepEqual(
      [formatIp(addressAt(range, 0)), formatIp(addressAt(range, range.count - 1)), range.count],
      [first, last, count],
      text,
    )
  }
})

test('a bad range of names says what is wrong and what to write', () => {
  for (const [text, detail] of [
    ['web10..01', '"web10..01" runs backwards: write web01..10, the smaller end first'],
    ['web10..9', '"web10..9" runs backwards: write web09..10, the smaller end first'],
    ['web01..web10', '"web01..web10" repeats the name behind "..": write web01..10'],
    ['web1..99999', '"web1..99999" is 99999 of them: at most 32767 are possible'],
    ['web..10', '"web..10" is not a range of names such as web01..10'],
    ['web01..', '"web01.." is not a range of names such as web01..10'],
    ['web01..02..03', '"web01..02..03" is not a range of names such as web01..10'],
    ['web01 .. 10', '"web01 .. 10" is not a range of names such as web01..10'],
    ['web01..x', '"web01..x" is not a range of names such as web01..10'],
    ['01..10', undefined],
    ['1web', undefined],
    ['', undefined],
    ['web_', undefined],
    ['weß', undefined],
    ['a'.repeat(64), undefined],
    [`${'a'.repeat(62)}9..10`, undefined],
  ] as const) {
    const said = refusal(() => parseNames(text))
    if (detail) assert.equal(said, detail)
    else assert.match(said, /^"[^"]*" is not a (name|range of names): a name is a letter, then /)
  }
})

test('a bad range of addresses says what is wrong and what to write', () => {
  for (const [text, detail] of [
    ['192.168.8.20..11', '"192.168.8.20..11" runs backwards: write 192.168.8.11..20, the smaller end first'],
    [
      '192.168.8.250..260',
      '"192.168.8.250..260" runs past .255: write its end in full, 192.168.8.250..192.168.9.4',
    ],
    [
      '10.0.0.9..10.0.0.1',
      '"10.0.0.9..10.0.0.1" runs backwards: write 10.0.0.1..10.0.0.9, the smaller end first',
    ],
    ['10.0.0.0..10.255.0.0', '"10.0.0.0..10.255.0.0" is 16711681 of them: at most 32767 are possible'],
    ['10.0.0.1..', '"10.0.0.1.." is not an address or a range such as 192.168.8.11..20 or 2001:db8::11..20'],
    [
      '10.0.0.1..08',
      '"10.0.0.1..08" is not an address or a range such as 192.168.8.11..20 or 2001:db8::11..20',
    ],
    ['10.0.0', '"10.0.0" is not an address or a range such as 192.168.8.11..20 or 2001:db8::11..20'],
    [
      '10.0.0.1..2..3',
      '"10.0.0.1..2..3" is not an address or a range such as 192.168.8.11..20 or 2001:db8::11..20',
    ],
    [
      '2001:db8::1..g',
      '"2001:db8::1..g" is not an address or a range such as 192.168.8.11..20 or 2001:db8::11..20',
    ],
    ['2001:db8::20..11', '"2001:db8::20..11" runs backwards: write 2001:db8::11..20, the smaller end first'],
    [
      '2001:db8::..2001:db8:1::',
      '"2001:db8::..2001:db8:1::" is 32767000001 of them: at most 32767 are possible',
    ],
    ['10.0.0.1..2001:db8::1', '"10.0.0.1..2001:db8::1" begins in one address family and ends in another'],
  ] as const) {
    assert.equal(
      refusal(() => parseAddresses(text)),
      detail,
    )
  }
})

test('what a backwards range is told to write is the same range forwards', () => {
  const ends = fc
    .tuple(fc.nat(20_000), fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 6 }))
    .map(([low, more, width]) => [String(low).padStart(width, '0'), String(low + more).padStart(width, '0')])
  fc.assert(
    fc.property(ends, ([low, high]) => {
      const advice = /write (\S+),/.exec(refusal(() => parseNames(`web${high}..${low}`)))![1]!
      const range = parseNames(advice)
      assert.deepEqual(
        [Number(nameAt(range, 0).slice(3)), range.count],
        [Number(low), Number(high) - Number(low) + 1],
      )
    }),
  )
})

test('a range has as many names as it counts, all different, all names', () => {
  const input = fc.tuple(
    fc.stringMatching(/^[a-z]{1,5}$/),
    fc.nat(5000),
    fc.nat(300),
    fc.integer({ min: 1, max: 6 }),
  )
  fc.assert(
    fc.property(input, ([stem, first, more, width]) => {
      const range = parseNames(`${stem}${String(first).padStart(width, '0')}..${first + more}`)
      const names = namesOf(range)
      assert.equal(names.length, more + 1)
      assert.equal(new Set(names).size, names.length)
      for (const [i, name] of names.entries()) {
        assert.ok(isName(name))
        assert.equal(Number(name.slice(stem.length)), first + i)
        assert.equal(name, nameAt(range, i))
      }
    }),
  )
})

test('an address range has consecutive addresses and never leaves the address space', () => {
  fc.assert(
    fc.property(fc.nat(0xffffffff), fc.nat(RANGE_LIMIT + 5), (start, more) => {
      const text = `${formatIp(start as Ip4)}..${formatIp(Math.min(start + more, 0xffffffff) as Ip4)}`
      const count = Math.min(start + more, 0xffffffff) - start + 1
      if (count > RANGE_LIMIT) return void refusal(() => parseAddresses(text))
      const range = parseAddresses(text)
      assert.equal(range.count, count)
      const last = formatIp(addressAt(range, count - 1))
      assert.equal(parseIp4(last), start + count - 1)
    }),
  )
})

test('no text makes anything but a bounded range or the refusal', () => {
  const text = fc.oneof(
    fc.string(),
    fc.stringMatching(/^[a-z0-9.:]{0,20}$/),
    fc.stringMatching(/^w[0-9]{0,12}\.\.[0-9]{0,12}$/),
  )
  fc.assert(
    fc.property(text, (any) => {
      for (const parse of [parseNames, parseAddresses]) {
        try {
          const { count } = parse(any)
          assert.ok(count >= 1 && count <= RANGE_LIMIT)
        } catch (error) {
          assert.ok(error instanceof TenbinError && error.code === 'RANGE_INVALID')
        }
      }
    }),
    { numRuns: 2000 },
  )
})
