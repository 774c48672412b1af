import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Builder } from './builder.ts'
import { listing } from './listing.ts'
import { array, bytes, direct, struct, wire } from './types.ts'
import { be16, eq, fields, ge, part, whole } from './values.ts'
import { plainFunction, program, xdpFunction } from './xdp.ts'

const Eth = wire('eth', { dst: bytes(6), src: bytes(6), type: 'be16' })
const memory = direct('memory', { words: array('u32', 8), total: 'u64' })
const outcomes = { seen: 'pass', short: 'drop' } as const
type Path = Builder<keyof typeof outcomes>
const count = (p: Path) => p.increment(p.memory(memory).total, 1)
const text = (body: (p: Path) => void) =>
  listing(program('t', xdpFunction('t', { outcomes, count }, body)).assembled, { lines: false })
const plain = (body: (p: Builder) => void) =>
  listing(program('t', plainFunction('t', body)).assembled, { lines: false })

test('struct() refuses holes and tells where', () => {
  assert.throws(() => struct('holed', { a: 'u8', b: 'u32' }), /struct holed: hole before b/)
  assert.throws(() => struct('tail', { a: 'u32', b: 'u8' }), /struct tail: hole at the end/)
  assert.equal(wire('packed', { a: 'u8', b: 'u32' }).size, 5)
})

test('a map name that the kernel would cut is refused', () => {
  assert.throws(() => direct('a_name_of_sixteen', { a: 'u32' }), /map name/)
})

test('direct memory out of reach of a variable offset is refused', () => {
  assert.throws(() => direct('big', { words: array('u32', 2 ** 27) }), /2\^29/)
})

test('an index that may leave its array is refused with the line', () => {
  const words = (p: Builder) => p.memory(memory).words
  assert.throws(
    () => plain((p) => p.element(words(p), p.load(p.element(words(p), 0)))),
    /builder\.test\.ts:\d+: index may reach 4294967295/,
  )
  assert.throws(() => plain((p) => p.element(words(p), 8)), /index 8 is outside 0\.\.7/)
  plain((p) => {
    const index = p.alu('and', p.load(p.element(words(p), 0)), 7)
    p.exitValue(p.load(p.element(words(p), index)))
  })
})

test('masks, shifts, scaling and comparisons bound an index; adding past the end does not', () => {
  const words = (p: Builder<'short' | 'seen'>) => p.memory(memory).words
  text((p) => {
    const raw = p.load(p.element(words(p), 0))
    p.load(p.element(words(p), p.alu('rsh', raw, 29)))
    p.load(p.element(words(p), p.scale(raw, 8)))
    p.load(p.element(words(p), p.below(raw, 8, 'short')))
    p.leave('seen')
  })
  assert.throws(
    () => text((p) => p.element(words(p), p.alu('add', p.alu('and', p.load(p.element(words(p), 0)), 7), 1))),
    /index may reach 8/,
  )
  assert.throws(() => text((p) => p.scale(p.load(p.memory(memory).total), 8)), /32 bits/)
})

test('a place of before the packet was adjusted is void, and both lines are named', () => {
  const program = () =>
    text((p) => {
      const { data, end } = p.packet()
      const { eth } = p.headers(data, end, { eth: Eth }, 'short')
      p.adjustHead(-20, 'short')
      p.load(eth.type)
    })
  assert.throws(
    program,
    /builder\.test\.ts:\d+: this place of src\/bpf\/builder\.test\.ts:\d+ is void since the packet was adjusted at src\/bpf\/builder\.test\.ts:\d+/,
  )
})

test('running out of registers names the values and their lines', () => {
  const many = () =>
    plain((p) => {
      const held = Array.from({ length: 5 }, (_, i) => p.load(p.element(p.memory(memory).words, i)))
      p.call('get_smp_processor_id')
      for (const value of held) p.store(p.element(p.memory(memory).words, 0), value)
      p.exitValue(0)
    })
  assert.throws(
    many,
    /out of registers that survive a call at .*builder\.test\.ts:\d+: stash a value; taken: r6 from .*builder\.test\.ts/,
  )
})

test('a stashed value comes back from the stack', () => {
  const out = plain((p) => {
    const value = p.load(p.element(p.memory(memory).words, 0))
    const kept = p.stash(value)
    p.call('get_smp_processor_id')
    p.exitValue(p.unstash(kept))
  })
  assert.match(out, /\*\(u64 \*\)\(r10 -8\) = r/)
  assert.match(out, /= \*\(u64 \*\)\(r10 -8\)/)
})

test('cold code goes behind the hot path, and may come back', () => {
  const out = text((p) => {
    const { data, end } = p.packet()
    const back = p.label('back')
    const length = p.variable('u32')
    const { eth } = p.headers(data, end, { eth: Eth }, 'short')
    p.set(length, 1)
    p.exitIf(eq(p.load(eth.type), be16(0x8100)), () => {
      p.set(length, 2)
      p.goto(back)
    })
    p.bind(back)
    p.increment(p.memory(memory).total, length)
    p.leave('seen')
  })
  const lines = out.split('\n').map((line) => line.trim())
  const at = (part: string) => lines.findIndex((line) => line.includes(part))
  assert.ok(at('cold:') > at('exit'), out)
  assert.ok(at('goto back') > at('back:'), out)
})

test('cold code that falls through is refused', () => {
  assert.throws(
    () =>
      text((p) => {
        const { data, end } = p.packet()
        const { eth } = p.headers(data, end, { eth: Eth }, 'short')
        p.exitIf(eq(p.load(eth.type), be16(0x8100)), () => p.store(eth.type, be16(0)))
        p.leave('seen')
      }),
    /a cold block must end by leaving/,
  )
})

test('jumps go forward only, labels are bound once and bound at all', () => {
  assert.throws(
    () =>
      plain((p) => {
        const label = p.label('loop')
        p.bind(label)
        p.goto(label)
      }),
    /jump backwards to loop/,
  )
  assert.throws(
    () =>
      plain((p) => {
        const label = p.label('twice')
        p.bind(label)
        p.bind(label)
      }),
    /label twice is bound twice/,
  )
  assert.throws(() => plain((p) => p.goto(p.label('nowhere'))), /builder\.test\.ts:\d+: runs off the end/)
})

test('a path that ends without a verdict is refused, also where an outcome or cold code stands behind it', () => {
  assert.throws(() => plain((p) => p.increment(p.memory(memory).total, 1)), /runs off the end/)
  const withOutcome = () =>
    text((p) => {
      const { data, end } = p.packet()
      p.headers(data, end, { eth: Eth }, 'short')
    })
  assert.throws(withOutcome, /the hot path runs off the end, into short/)
  const withCold = () => plain((p) => p.exitIf(eq(p.load(p.memory(memory).total), 0), () => p.exitValue(1)))
  assert.throws(withCold, /the hot path runs off the end/)
})

test('constants above 2^31 are meant as unsigned, wherever they stand', () => {
  const big = 0x9000_0000
  const out = (body: (p: Builder) => void) =>
    plain((p) => {
      body(p)
      p.exitValue(0)
    })
  assert.match(
    out((p) => p.store(p.memory(memory).total, big)),
    /r(\d) = 0x90000000\n.*\*\(u64 \*\)\(r\d \+0\) = r\1/,
  )
  assert.match(
    out((p) => {
      const v = p.variable('u32')
      p.set(v, big)
      p.increment(p.memory(memory).total, p.widen(v))
    }),
    /w\d = -1879048192/,
  )
  assert.match(
    out((p) => p.store(p.memory(memory).total, p.alu('and', p.load(p.memory(memory).total), big))),
    /r(\d) = 0x90000000\n.* &= r\1/,
  )
  assert.match(
    plain((p) => p.exitValue(big)),
    /w0 = -1879048192/,
  )
  assert.throws(() => plain((p) => p.set(p.variable('u64'), -1)), /takes values up to Infinity, not -1/)
  assert.throws(() => plain((p) => p.alu('add', p.load(p.memory(memory).total), 0.5)), /0\.5 is no immediate/)
})

test('a product with a negative factor bounds nothing', () => {
  plain((p) => {
    const index = p.alu('mul', p.alu('and', p.load(p.element(p.memory(memory).words, 0)), 7), -1)
    assert.equal(index.max, 0xffff_ffff)
    p.exitValue(index)
  })
})

test('a constant that shifts everything out is refused with the line', () => {
  const shift = (by: number) => plain((p) => p.alu('lsh', p.load(p.element(p.memory(memory).words, 0)), by))
  assert.throws(() => shift(32), /builder\.test\.ts:\d+: lsh by 32 in 32 bits/)
  assert.throws(() => shift(-1), /lsh by -1/)
})

test('the packet’s end of before it was adjusted is void as well', () => {
  assert.throws(
    () =>
      text((p) => {
        const { end } = p.packet()
        p.adjustTail(-20, 'short')
        p.headers(p.packet().data, end, { eth: Eth }, 'short')
      }),
    /is void since the packet was adjusted/,
  )
})

test('code whose value nobody reads costs nothing', () => {
  const out = plain((p) => {
    p.load(p.memory(memory).total)
    p.exitValue(2)
  })
  assert.equal(out.match(/map_value/g), null)
})

test('wire constants hold their bytes in wire order and must fit', () => {
  assert.equal(be16(0x0800).imm, 0x0008)
  assert.throws(() => be16(65536), /does not fit/)
  assert.throws(() => eq({ kind: 'u8', reg: 20, max: 255 } as never, 256 as never), /cannot be compared/)
})

test('parts and wholes stay inside their place', () => {
  plain((p) => {
    const mac = p.memory(direct('m', { mac: bytes(8) })).mac
    assert.throws(() => part(mac, 6, 'u32'), /outside 8 bytes/)
    const pair = p.memory(direct('n', { pair: struct('pair', { a: 'u32', b: 'u32' }) })).pair
    assert.throws(() => whole(pair, 'u32'), /has 8 bytes/)
    const other = fields(pair)
    p.exitIf(ge(p.load(whole(pair, 'u64')), 5), () => p.exitValue(1))
    p.exitValue(p.load(other.a))
  })
})

test('a function that nothing calls is refused', () => {
  const [main, other] = ['main', 'other'].map((name) => plainFunction(name, (p) => p.exitValue(0)))
  assert.throws(() => program('t', main!, [other!]), /program t: nothing calls other/)
})

test('two builds of one program are byte-identical', () => {
  const make = () =>
    program(
      't',
      xdpFunction('t', { outcomes, count }, (p) => p.leave('seen')),
    )
  assert.deepEqual(make().spec, make().spec)
})
