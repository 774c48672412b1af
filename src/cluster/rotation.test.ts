import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type KeyIds, leftOut, rotationStep, takes } from './rotation.ts'

const [A, B, C] = ['a', 'b', 'c'] as const
const other = (node: string, keys?: KeyIds, isConnected = true) => ({ node, keys, isConnected })

test('the next key is offered to who lacks it, signs when all have it, and the one before goes when all show it', () => {
  const own = { current: A, next: B }
  const step = (keys: KeyIds, ...others: ReturnType<typeof other>[]) => rotationStep(keys, others)
  assert.deepEqual(step(own, other('lb2', { current: A }), other('lb3', { current: A, next: B })), {
    kind: 'offer',
    to: ['lb2'],
  })
  assert.deepEqual(step(own, other('lb2', { current: B, previous: A }), other('lb3', own)), {
    kind: 'promote',
  })
  const promoted = { current: B, previous: A }
  assert.deepEqual(step(promoted, other('lb2', own)), { kind: 'nothing' })
  assert.deepEqual(step(promoted, other('lb2', promoted)), { kind: 'forget' })
  assert.deepEqual(step({ current: B }, other('lb2', promoted)), { kind: 'nothing' })
})

test('nothing goes on while a node is away, or was never heard', () => {
  for (const away of [other('lb3', { current: A, next: B }, false), other('lb3', undefined, true)]) {
    assert.deepEqual(rotationStep({ current: A, next: B }, [away]), { kind: 'nothing' })
    assert.deepEqual(rotationStep({ current: B, previous: A }, [away]), { kind: 'nothing' })
  }
})

test('a node that is left out is offered nothing and not waited for', () => {
  const left = other('lb3', { current: A })
  const own = { current: A, next: B, without: ['lb3'] }
  assert.deepEqual(rotationStep(own, [other('lb2', { current: A }), left]), { kind: 'offer', to: ['lb2'] })
  assert.deepEqual(rotationStep(own, [other('lb2', own), left]), { kind: 'promote' })
  const promoted = { current: B, previous: A, without: ['lb3'] }
  assert.deepEqual(rotationStep(promoted, [other('lb2', promoted), left]), { kind: 'forget' })
  assert.deepEqual(rotationStep(own, [left]), { kind: 'promote' }, 'one that is alone goes on by itself')
})

test('who is left out is what nodes of one exchange say, until it has the key all the same', () => {
  const own = { current: A, next: B }
  const leaves = (keys: KeyIds) => ({ ...keys, without: ['lb3', 'lb1'] })
  assert.deepEqual(leftOut(own, [other('lb2', leaves(own)), other('lb3')]), ['lb3'], 'never oneself')
  assert.deepEqual(leftOut(own, [other('lb2', leaves({ current: B, previous: A })), other('lb3')]), ['lb3'])
  for (const strange of [other('lb2', leaves({ current: A })), other('lb2', leaves(own), false)])
    assert.deepEqual(leftOut(own, [strange, other('lb3')]), [])
  const underWay = { ...own, without: ['lb3'] }
  for (const said of [own, { current: A, next: B }, { current: B, previous: A }])
    for (const has of [underWay, { current: B, previous: A, without: ['lb3'] }])
      assert.deepEqual(
        leftOut(has, [other('lb3', said)]),
        ['lb3'],
        'whoever has the old key can say that it has the new one',
      )
  const lies = other('lb3', { ...own, without: ['lb2'] })
  assert.deepEqual(leftOut(underWay, [other('lb2'), lies]), ['lb3'], 'nor does it say who else is left')
  assert.deepEqual(
    leftOut(own, [other('lb2', leaves(own)), other('lb3', own)]),
    ['lb3'],
    'whom another one leaves',
  )
  const over = { current: B, without: ['lb3'] }
  assert.deepEqual(leftOut(over, [other('lb2', over), other('lb3', { current: A })]), ['lb3'])
  assert.deepEqual(leftOut(over, [other('lb2', over), other('lb3', { current: B })]), [])
  assert.deepEqual(leftOut(over, [other('lb2', over), other('lb3', { current: B }, false)]), ['lb3'])
})

test('without a node that is gone whoever is left trusts each other, and ends with one key', () => {
  const action = fc.record({
    who: fc.nat(1),
    what: fc.constantFrom('hears', 'hears', 'steps', 'steps', 'leaves out', 'parts', 'meets'),
  })
  fc.assert(
    fc.property(fc.boolean(), fc.array(action, { maxLength: 60 }), (hadKey, actions) => {
      const gone = { current: '0', ...(hadKey && { next: '1' }) }
      const keys: KeyIds[] = [
        { current: '0', next: '1' },
        { current: '0', ...(hadKey && { next: '1' }) },
      ]
      const heard: (KeyIds | undefined)[] = []
      let isCut = false
      const othersOf = (who: number) => [
        { ...other(String(1 - who), heard[who]), isConnected: !isCut },
        other('gone', gone, false),
      ]
      const act = (who: number) => {
        const left = leftOut(keys[who]!, othersOf(who))
        const own: KeyIds = { ...keys[who]!, without: left }
        keys[who] = own
        const step = rotationStep(own, othersOf(who))
        if (step.kind === 'promote') keys[who] = { current: own.next!, previous: own.current, without: left }
        if (step.kind === 'forget') keys[who] = { current: own.current, without: left }
        if (step.kind === 'offer' && takes(keys[1 - who]!, own.next!))
          keys[1 - who] = { current: keys[1 - who]!.current, next: own.next, without: [] }
      }
      const check = () => {
        for (const one of keys)
          for (const { current } of keys)
            assert.ok([one.current, one.next, one.previous].includes(current), JSON.stringify(keys))
      }
      for (const { who, what } of actions) {
        if (what === 'hears' && !isCut) heard[who] = { ...keys[1 - who]! }
        if (what === 'steps') act(who)
        if (what === 'parts') isCut = true
        if (what === 'meets') isCut = false
        if (what === 'leaves out') keys[who] = { ...keys[who]!, without: ['gone'] }
        check()
      }
      isCut = false
      keys[0] = { ...keys[0]!, without: ['gone'] }
      for (let round = 0; round < 20; round++)
        for (const who of [0, 1]) {
          heard[who] = { ...keys[1 - who]! }
          act(who)
          check()
        }
      assert.deepEqual(keys, [
        { current: '1', without: ['gone'] },
        { current: '1', without: ['gone'] },
      ])
    }),
    { numRuns: 300 },
  )
})

test('of two keys that are offered at once the greater one is taken by all', () => {
  assert.ok(takes({ current: A }, B))
  assert.ok(takes({ current: A, next: B }, C))
  assert.ok(!takes({ current: A, next: C }, B))
  assert.ok(!takes({ current: B, previous: A }, A), 'an old one that is late')
  assert.ok(!takes({ current: B, previous: A }, B))
})

test('whatever is cut off and whoever begins, all nodes trust each other, and end with one key', () => {
  const action = fc.record({
    who: fc.nat(2),
    other: fc.nat(2),
    what: fc.constantFrom('hears', 'steps', 'begins', 'parts', 'meets'),
  })
  fc.assert(
    fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
      let seed = 0
      const keys: KeyIds[] = [{ current: '0' }, { current: '0' }, { current: '0' }]
      const heard: (KeyIds | undefined)[][] = keys.map(() => [])
      const cut = new Set<string>()
      const link = (a: number, b: number) => [a, b].sort().join()
      const othersOf = (who: number) =>
        [0, 1, 2]
          .filter((one) => one !== who)
          .map((one) => ({ ...other(String(one), heard[who]![one]), isConnected: !cut.has(link(who, one)) }))
      const act = (who: number) => {
        const { current, next, previous } = keys[who]!
        const step = rotationStep(keys[who]!, othersOf(who))
        if (step.kind === 'promote') keys[who] = { current: next!, previous: current }
        if (step.kind === 'forget') keys[who] = { current }
        if (step.kind === 'offer')
          for (const to of step.to.map(Number))
            if (takes(keys[to]!, next!))
              keys[to] = { current: keys[to]!.current, next, previous: keys[to]!.previous }
        void previous
      }
      const trusted = ({ current, next, previous }: KeyIds) => [current, next, previous]
      const check = () => {
        for (const one of keys)
          for (const two of keys) assert.ok(trusted(one).includes(two.current), JSON.stringify(keys))
      }
      for (const { who, other: to, what } of actions) {
        if (what === 'hears' && who !== to && !cut.has(link(who, to))) heard[who]![to] = { ...keys[to]! }
        if (what === 'steps') act(who)
        const { next, previous, current } = keys[who]!
        if (what === 'begins' && !next && !previous && othersOf(who).every(({ isConnected }) => isConnected))
          keys[who] = { current, next: String(++seed) }
        if (what === 'parts' && who !== to) cut.add(link(who, to))
        if (what === 'meets') cut.delete(link(who, to))
        check()
      }
      cut.clear()
      for (let round = 0; round < 20; round++)
        for (const who of [0, 1, 2]) {
          for (const one of [0, 1, 2]) heard[who]![one] = { ...keys[one]! }
          act(who)
          check()
        }
      assert.deepEqual(
        keys,
        keys.map(() => ({ current: keys[0]!.current })),
      )
    }),
    { numRuns: 400 },
  )
})
