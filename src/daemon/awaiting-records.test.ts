import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { AwaitingRecords } from './awaiting-records.ts'
import type { Roles, SetRole } from './roles.ts'

/** Node: the packet path is told by steps and changes of roles; `said` is what it was told last. */
class Node {
  ms = 0
  said: boolean | undefined
  readonly #roles = new Map<string, SetRole | undefined>()
  readonly #listeners: ((set: string) => void)[] = []
  readonly awaiting: AwaitingRecords

  constructor(...sets: readonly string[]) {
    for (const set of sets) this.#roles.set(set, undefined)
    const roles: Roles = {
      of: (set) => this.#roles.get(set),
      sets: () => [...this.#roles.keys()],
      isActive: () => [...this.#roles.values()].some((each) => each?.role === 'active'),
      onChange: (listener) => {
        this.#listeners.push(listener)
        return { [Symbol.dispose]() {} }
      },
    }
    this.awaiting = new AwaitingRecords({
      roles,
      replica: {
        awaitRecords: (is) => {
          this.said = is
        },
      },
      monotonic: () => this.ms,
    })
  }

  becomes(set: string, role: SetRole['role']): void {
    this.#roles.set(set, { role, since: 0 })
    for (const listener of this.#listeners) listener(set)
  }

  /** after so many ms: what the packet path is told. */
  after(ms: number): boolean | undefined {
    this.ms += ms
    this.awaiting.step()
    return this.said
  }
}

let node: Node
beforeEach(() => {
  node = new Node('front', 'inner')
})
const both = (role: SetRole['role']) => {
  node.becomes('front', role)
  node.becomes('inner', role)
}

test('a daemon that starts leaves what the packet path was told until all roles are known', () => {
  assert.equal(node.after(0), undefined)
  node.becomes('front', 'active')
  assert.equal(node.after(100), undefined)
  node.becomes('inner', 'backup')
  assert.equal(node.said, false, 'the role was there before')
})

test('a node that is active for nothing awaits records, and one that takes over a second longer', () => {
  both('backup')
  assert.equal(node.said, true)
  assert.equal(node.after(60_000), true)
  both('active')
  assert.equal(node.said, true)
  assert.equal(node.after(999), true)
  assert.equal(node.after(1), false)
})

test('a node that takes one role more, or gives one up, awaits records for a second, whatever else it is active for', () => {
  node.becomes('front', 'active')
  node.becomes('inner', 'backup')
  for (const role of ['active', 'backup'] as const) {
    assert.equal(node.after(2_000), false)
    node.becomes('inner', role)
    assert.equal(node.said, true)
    assert.equal(node.after(1_000), false)
  }
  node.becomes('inner', 'initialize')
  assert.equal(node.said, false, 'no packets go elsewhere by that')
})

test('a node whose last role goes awaits records from that moment on', () => {
  both('active')
  assert.equal(node.after(0), false)
  both('backup')
  assert.equal(node.said, true)
  assert.equal(node.after(5_000), true)
})

test('a node that expects an ordered change awaits records from then on, for as long as it may take, and a second after it', () => {
  both('active')
  node.awaiting.expect(1_600)
  assert.equal(node.said, true)
  assert.equal(node.after(1_599), true)
  assert.equal(node.after(1), false)
  node.awaiting.expect(1_600)
  node.after(1_500)
  node.becomes('inner', 'backup')
  assert.equal(node.after(999), true)
  assert.equal(node.after(1), false)
  node.awaiting.expect(5_000)
  node.awaiting.expect(1_000)
  assert.equal(node.after(4_999), true, 'of two that are expected the later one counts')
})

test('where no address belongs to a set nothing is awaited', () => {
  node = new Node()
  assert.equal(node.after(0), false)
})

test('a daemon that ends for good awaits nothing more, whatever roles come after it', () => {
  both('backup')
  node.awaiting.end()
  assert.equal(node.said, false)
  assert.equal(node.after(100), false)
  both('active')
  assert.equal(node.said, false)
})
