import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Builder } from './builder.ts'
import { listing } from './listing.ts'
import { array, bytes, direct, kernelMap, objectMap, struct, wire } from './types.ts'
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
  assert.throws(() => direct('big', { words: array('u32', 2 ** 27) }), /the table big: it would have 512 MiB/)
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

test('a place whose pointer was set to another place is void, and both lines are named', () => {
  const twoHeaders = (again: boolean) =>
    text((p) => {
      const { data, end } = p.packet()
      const at = p.pointerVariable()
      p.setPointer(at, data)
      const outer = p.headers(at, end, { eth: Eth }, 'short').eth
      p.setPointer(at, p.advance(data, 4))
      const inner = p.headers(at, end, { eth: Eth }, 'short').eth
      p.exitIf(eq(p.load((again ? inner : outer).type), be16(1)), 'short')
      p.leave('seen')
    })
  twoHeaders(true)
  assert.throws(
    () => twoHeaders(false),
    /builder\.test\.ts:\d+: this place of \S+builder\.test\.ts:\d+ is void since its pointer was set at \S+builder\.test\.ts:\d+/,
  )
})

test('after a call of what adjusts the packet its places are void, however deep the adjusting is', () => {
  const inner = plainFunction('inner', (p) => {
    p.adjustHead(-4, () => p.exitValue(1))
    p.exitValue(0)
  })
  const outer = plainFunction('outer', (p) => p.exitValue(p.callSub(inner, p.ctx)))
  assert.deepEqual([inner.adjustsPacket, outer.adjustsPacket], [true, true])
  assert.throws(
    () =>
      text((p) => {
        const { data, end } = p.packet()
        const { eth } = p.headers(data, end, { eth: Eth }, 'short')
        p.callSub(outer, p.ctx)
        p.load(eth.type)
      }),
    /is void since the packet was adjusted/,
  )
})

test('what was made of a variable keeps its value and its bound when the variable is set', () => {
  const out = plain((p) => {
    const { words, total } = p.memory(memory)
    const v = p.variable('u32', 100)
    p.set(v, 5)
    const made = [p.widen(v), p.below(v, 8, () => p.exitValue(0)), p.narrow(p.widen(v))]
    assert.deepEqual(
      made.map(({ max }) => max),
      [100, 7, 100],
    )
    for (const { reg } of made) assert.notEqual(reg, v.reg)
    assert.equal(p.widen(made[1]!).reg, made[1]!.reg)
    p.set(v, 100)
    p.store(p.element(words, made[1]!), 1)
    p.store(total, p.widen(v))
    p.exitValue(0)
  })
  assert.match(out, /= 100/)
  plain((p) => {
    const wired = p.variable('be16')
    p.set(wired, be16(1))
    assert.notEqual(p.bits(wired).reg, wired.reg)
    p.exitValue(0)
  })
})

test('only what variable() made can be set', () => {
  const memoryOf = (p: Builder) => p.memory(memory)
  assert.throws(
    () => plain((p) => p.set(p.load(memoryOf(p).total), 1)),
    /builder\.test\.ts:\d+: only what variable\(\) made can be set/,
  )
})

test('a value that some path has not set is refused where it is read, though its register holds another', () => {
  const unset = (alsoElse: boolean) => () =>
    plain((p) => {
      const { words, total } = p.memory(memory)
      const x = p.load(p.element(words, 0))
      const v = p.variable('u32')
      const back = p.label('back')
      if (alsoElse) p.set(v, 6)
      p.exitIf(eq(x, 1), () => {
        p.set(v, 5)
        p.leave(back)
      })
      p.bind(back)
      p.store(total, p.widen(v))
      p.exitValue(0)
    })
  assert.throws(
    unset(false),
    /function t: \S+builder\.test\.ts:\d+: reads a value that some path has not set; it is set at \S+builder\.test\.ts:\d+/,
  )
  unset(true)()
  const pastJump = () =>
    plain((p) => {
      const { words, total } = p.memory(memory)
      const behind = p.label('behind')
      p.jumpIf(eq(p.load(total), 0), behind)
      const x = p.load(p.element(words, 0))
      p.bind(behind)
      p.exitValue(x)
    })
  assert.throws(pastJump, /reads a value that some path has not set/)
})

test('a constant that its place cannot hold is refused with the line', () => {
  assert.throws(
    () => plain((p) => p.store(p.element(p.memory(memory).words, 0), 2 ** 32)),
    /builder\.test\.ts:\d+: 4294967296 is no u32/,
  )
  assert.throws(() => plain((p) => p.store(p.memory(memory).total, -1)), /-1 is no u64/)
  const Key = struct('key', { port: 'u16', kind: 'u16' })
  const map = kernelMap('map', 'hash', Key, struct('value', { n: 'u32' }), 4)
  assert.throws(
    () => plain((p) => p.lookup(map, { port: 65_536, kind: 0 }, () => p.exitValue(0))),
    /65536 is no u16/,
  )
  assert.throws(
    () => plain((p) => p.alu('add', p.load(p.element(p.memory(memory).words, 0)), 2 ** 32)),
    /4294967296 does not fit in 32 bits/,
  )
})

test('a way out that is not counted is refused where outcomes are', () => {
  assert.throws(() => text((p) => p.exitValue(2)), /every way out of a function with outcomes is counted/)
  assert.throws(() => text((p) => p.leave('toString' as 'seen')), /has no outcome toString/)
})

test('maps of objects have no types, and rings no keys', () => {
  const devices = objectMap('devices', 'devmap', 4)
  const ring = objectMap('ring', 'ringbuf', 4096)
  const { spec } = program(
    't',
    plainFunction('t', (p) => {
      const { data, end } = p.packet()
      const { eth } = p.headers(data, end, { eth: Eth }, () => p.exitValue(0))
      assert.throws(() => p.ringbufOutput(ring, eth.dst, () => p.exitValue(0)), /no bytes of a packet/)
      assert.throws(() => p.csumDiff(eth.dst, 'nothing', 0), /whole words of 4 bytes/)
      p.redirectMap(devices, 1, () => p.exitValue(1))
      p.ringbufOutput(ring, p.onStack(struct('r', { n: 'u64' }), { n: 1 }), () => p.exitValue(2))
      p.exitValue(4)
    }),
  )
  assert.deepEqual(spec.maps, [
    { name: 'devices', type: 'devmap', keySize: 4, valueSize: 4, maxEntries: 4 },
    { name: 'ring', type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 4096 },
  ])
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

test('two maps of one name are refused, in a function and in a program', () => {
  const [one, two] = [1, 2].map((count) => direct('same', { words: array('u64', count) }))
  const naming = (...maps: (typeof one)[]) =>
    plainFunction('f', (p) => {
      for (const map of maps) p.load(p.element(p.memory(map!).words, 0))
      p.exitValue(0)
    })
  assert.throws(() => naming(one, two), /two maps are called same/)
  const inner = naming(one)
  const main = plainFunction('main', (p) => {
    p.store(p.element(p.memory(two!).words, 0), p.widen(p.callSub(inner, p.ctx)))
    p.exitValue(0)
  })
  assert.throws(() => program('t', main, [inner]), /two maps are called same/)
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

test('what a function of numbers is called with is what it takes', () => {
  const two = plainFunction('two', (p) => {
    const [a, b] = p.parameters('numbers', 'u32', 'u64')
    p.exitValue(p.narrow(p.alu('add', b, a)))
  })
  const withContext = plainFunction('with_context', (p) => {
    const [a] = p.parameters('context', 'u32')
    p.exitValue(a)
  })
  const called = (body: (p: Builder) => void) => () => plainFunction('main', body)
  called((p) => p.exitValue(p.callSub(two, p.constant(1), p.const64(2n))))()
  called((p) => p.exitValue(p.callSub(withContext, p.ctx, p.constant(1))))()
  assert.throws(
    called((p) => p.exitValue(p.callSub(two, p.constant(1)))),
    /two takes 2 numbers/,
  )
  assert.throws(
    called((p) => p.exitValue(p.callSub(two, p.ctx, p.constant(1)))),
    /two takes 2 numbers/,
  )
  assert.throws(
    called((p) => p.exitValue(p.callSub(withContext, p.constant(1)))),
    /takes the context and 1 numbers/,
  )
  assert.throws(
    called((p) => {
      p.constant(1)
      p.parameters('numbers', 'u32')
    }),
    /parameters come first/,
  )
  assert.throws(
    called((p) => p.parameters('context', 'u32', 'u32', 'u32', 'u32', 'u32')),
    /at most 5/,
  )
})

test('a place variable is set to memory, and nothing else is', () => {
  const set = (body: (p: Builder) => void) => () => plainFunction('main', body)
  const words = (p: Builder) => p.memory(memory).words
  assert.throws(
    set((p) => p.setPlace(p.pin(p.element(words(p), 0)), p.element(words(p), 1))),
    /only what placeVariable\(\) made can be set/,
  )
  assert.throws(
    set((p) => {
      const { data, end } = p.packet()
      const { eth } = p.headers(data, end, { eth: Eth }, () => p.exitValue(0))
      p.setPlace(p.placeVariable('be16'), eth.type)
    }),
    /pointers lead into the packet/,
  )
  assert.throws(
    set((p) => {
      const { data, end } = p.packet()
      p.stashPlace(p.headers(data, end, { eth: Eth }, () => p.exitValue(0)).eth.type)
    }),
    /places in the packet are not stashed/,
  )
})
