// LVS's own schedulers and our packet path, both in user-mode-linux, and our pure schedulers get the same arrivals. Those
// that count must give every packet to the same server, through changes of weight; those that hash must spread clients
// alike, and answer a drain alike.

import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runInUml, whyNoUml } from '../uml/run-in-uml.ts'
import type { Answers } from './guest.ts'
import { ourAnswers } from './ours.ts'
import { DRAIN, DRAINED, exactServices, hashedServices, packetsOf, services } from './services.ts'

const modules = ['veth', 'ip_vs', ...new Set(services.map(({ scheduler }) => `ip_vs_${scheduler}`))]
const script = fileURLToPath(new URL('./guest.ts', import.meta.url))

/** Phases of a hashed service: the answers to each connection's first packet, to one after the drain, and to a new one. */
interface Phases {
  readonly opened: readonly number[]
  readonly used: readonly number[]
  readonly again: readonly number[]
}

function phasesOf(answers: readonly number[]): Phases {
  const third = answers.length / 3
  const phase = (n: number) => answers.slice(n * third, (n + 1) * third)
  return { opened: phase(0), used: phase(1), again: phase(2) }
}

const counts = (answers: readonly number[], servers: number): number[] => {
  const of = Array<number>(servers).fill(0)
  for (const answer of answers) of[answer]!++
  return of
}

/** chiSquare: how unlike two samples of the same size are; `servers` - 1 degrees of freedom. */
function chiSquare(one: readonly number[], other: readonly number[], servers: number): number {
  const [a, b] = [counts(one, servers), counts(other, servers)]
  return a.reduce((sum, n, i) => sum + (n + b[i]! === 0 ? 0 : (n - b[i]!) ** 2 / (n + b[i]!)), 0)
}

describe('the schedulers of LVS', { skip: whyNoUml() ?? false }, () => {
  let answers: Answers
  const indexOf = (name: string): number => services.findIndex((one) => one.name === name)
  const lvs = (name: string): readonly number[] => answers.lvs[indexOf(name)]!
  const packetPath = (name: string): readonly number[] => answers.packetPath[indexOf(name)]!

  before(async () => {
    const { output, result, status } = await runInUml({ script, timeoutMs: 600_000, modules })
    assert.equal(status, 0, output)
    answers = result as Answers
  })

  for (const service of exactServices)
    test(`${service.name}: every packet goes to the server that LVS gives it to`, () => {
      assert.deepEqual(packetPath(service.name), lvs(service.name))
      assert.deepEqual(ourAnswers(service), lvs(service.name))
    })

  test('a server of weight 0 keeps its connections and gets no new one, in LVS as in ours', () => {
    const { from, to, server } = DRAIN
    for (const service of exactServices.filter(({ drained }) => drained)) {
      const packets = packetsOf(service)
      for (const given of [lvs(service.name), packetPath(service.name)]) {
        const first = new Map<string, number>()
        for (const [i, { client, port }] of packets.entries()) {
          const flow = `${client}:${port}`
          if (!first.has(flow)) first.set(flow, given[i]!)
          assert.equal(given[i], first.get(flow), `${service.name}: packet ${i}`)
        }
        const kinds = packets.slice(from, to).filter((_, i) => given[from + i] === server)
        const all = `${service.name}: ${kinds.map(({ kind }) => kind).join(' ')}`
        assert.match(all, /ack|fin/)
        assert.doesNotMatch(all, /syn/)
      }
    }
  })

  for (const service of hashedServices) {
    const { name, weights, hash } = service
    const ours = () => phasesOf(packetPath(name))
    const theirs = () => phasesOf(lvs(name))
    /** One connection a client where the client alone chooses: the second one would only repeat it. */
    const sample = (all: readonly number[]) => all.filter((_, i) => hash === 'flow' || i % 2 === 0)

    // three degrees of freedom: above 26 once in 100,000; the same multinomials, since both tables are exact to 1 %
    test(`${name}: clients are spread as by LVS`, () => {
      const unlike = chiSquare(sample(ours().opened), sample(theirs().opened), weights.length)
      assert.ok(unlike < 26, `chi-square ${unlike}`)
      const again = chiSquare(sample(ours().again), sample(theirs().again), weights.length)
      assert.ok(again < 26, `after the drain: chi-square ${again}`)
    })

    test(`${name}: the spread would be noticed if it ignored weights`, () => {
      const ignoring = ours().opened.map((_, i) => (i >> 1) % weights.length)
      assert.ok(chiSquare(sample(ignoring), sample(theirs().opened), weights.length) > 26)
    })

    test(`${name}: connections stay through a drain, and no new one goes there`, () => {
      for (const { opened, used, again } of [ours(), theirs()]) {
        assert.deepEqual(used, opened)
        assert.ok(opened.includes(DRAINED) && !again.includes(DRAINED) && !again.includes(-1))
      }
    })

    test(`${name}: ${hash === 'source' ? 'all connections of a client have one server' : 'ports choose too'}`, () => {
      for (const { opened } of [ours(), theirs()]) {
        const apart = opened.filter((server, i) => i % 2 === 0 && server !== opened[i + 1]).length
        assert.equal(apart > 0, hash === 'flow', `${apart} clients`)
      }
    })
  }

  test('mh: clients of other servers stay where they are through a drain, in LVS as in ours', () => {
    for (const { opened, again } of [phasesOf(lvs('mh')), phasesOf(packetPath('mh'))])
      for (const [i, server] of again.entries())
        assert.ok(server === opened[i] || opened[i] === DRAINED, `connection ${i}`)
  })
})
