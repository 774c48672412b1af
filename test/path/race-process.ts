// A process of the races (race.kernel.test.ts, counting-race.kernel.test.ts), on one CPU until told how long:
//
//   run PROGRAM CPU PORT SECONDS    puts segments of many flows to that port through the program, over and over
//   begin PROGRAM CPU PORT SECONDS  puts SYNs of many flows through it
//   move PROGRAM CPU SECONDS        changes what the programs read meanwhile: slots, failures, the clock, records

import { FLOW, SERVICE_SHIFT } from '../../src/dataplane/flow-record.ts'
import { SLOT_LEARN, SLOT_RECORDS, slotWord } from '../../src/dataplane/shape.ts'
import { own } from '../../src/dataplane/vectors/fixture.ts'
import { createRandom } from '../../src/dataplane/vectors/random.ts'
import { frameOf } from '../../src/dataplane/vectors/vector.ts'
import { mapsOfProgram } from '../../src/kernel/program-maps.ts'
import { programById } from '../../src/kernel/query.ts'
import { testRun } from '../../src/kernel/test-run.ts'
import { setAffinity } from '../../src/sys/affinity.ts'
import { tcpFlag } from '../../src/wire/tcp.ts'

const AT_ONCE = 20_000
const HELD_UP = 100

const [what, id, cpu, ...rest] = process.argv.slice(2)
const program = programById(Number(id))!
setAffinity([Number(cpu)])

const { SYN, ACK, FIN, RST } = tcpFlag

function run(port: number, until: number, kinds: readonly number[]): void {
  const packets = kinds.map((flags) => frameOf({ ether: { source: own }, tcp: { destination: port, flags } }))
  for (let turn = 0; performance.now() < until; turn++)
    testRun(program, { packet: packets[turn % packets.length]!, repeat: AT_ONCE })
}

/** Pool p has servers 2p + 1 and 2p + 2, and slots without end. */
function move(until: number): void {
  const maps = mapsOfProgram(program)
  const memory = (name: string) => maps.get(name)!.memory
  const slots = new Uint32Array(memory('slots'))
  const failed = new Uint32Array(memory('failed'))
  const clock = new BigUint64Array(memory('clock'))
  const flows = new BigUint64Array(memory('flows'))
  const random = createRandom(7)
  const half = slots.length >> 1
  for (let i = 0; performance.now() < until; i++) {
    const slot = random.below(2 * half)
    const id = () => 1 + 2 * (slot < half ? 0 : 1) + random.below(2)
    const flags = (random.oneIn(2) ? SLOT_LEARN : 0) + (random.oneIn(8) ? 0 : SLOT_RECORDS)
    Atomics.store(slots, slot, slotWord(id(), id(), flags))
    if (i % 64 === 0) Atomics.store(failed, 0, random.word() & 0x1e1e)
    if (i % 64 === 1) Atomics.add(clock, 0, BigInt(random.below(40)))
    if (i % 64 === 2) Atomics.store(flows, 2 * random.below(flows.length / 2) + 1, 0n)
    if (i % 2 === 1) overwrite(flows, 2 * random.below(flows.length / 2), 1 + random.below(4), random.word())
  }
}

/** overwrite a record by one of a stranger's flow, as a CPU does that is held up between its two stores. */
function overwrite(flows: BigUint64Array, at: number, server: number, stranger: number): void {
  const stable = BigInt(server | ((server > 2 ? 1 : 0) << SERVICE_SHIFT))
  const key = (BigInt(stranger) << 32n) ^ ((stable << 32n) | stable)
  Atomics.store(flows, at + 1, (BigInt(FLOW.established) << 62n) | stable)
  for (let i = 0; i < HELD_UP; i++) Atomics.load(flows, at)
  Atomics.store(flows, at, key)
}

const seconds = Number(rest.at(-1))
const until = performance.now() + 1_000 * seconds
if (what === 'move') move(until)
else run(Number(rest[0]), until, what === 'begin' ? [SYN] : [SYN, ACK, ACK, FIN | ACK, RST])
