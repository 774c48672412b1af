// The packet path's side of nat: which packets are translated, and what becomes of those that cannot be. A new flow whose
// place among the answers another one has (the same client and port, sent to another listener, at the same server and
// port) is offered to the servers of a few other slots.

import type { StashedContext } from '../bpf/builder.ts'
import type { Stashed } from '../bpf/emitter.ts'
import { Label } from '../bpf/isa.ts'
import { anyBits, eq, ne, type Val } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import { CLASH_STEP, CLASH_TRIES } from './answer-record.ts'
import { type Path, take } from './cell.ts'
import { type Memory, SETTING, uniformUse, usesNat } from './memory.ts'
import type { OutcomeName } from './outcomes.ts'
import type { Route } from './path.ts'
import { ANSWER, answerFunction } from './path-answer.ts'
import { answersOf } from './path-answers.ts'
import { ABOUT, ABOUT_POOL } from './path-asked.ts'
import { UNRECORDED } from './path-decide.ts'
import { REQUEST, requestFunction } from './path-request.ts'
import type { FlowsShape, Shape } from './shape.ts'

/** NatFunctions: functions of the program that translate. */
export interface NatFunctions {
  readonly request: BuiltFunction
  readonly elsewhere: BuiltFunction
  readonly answer: BuiltFunction
  /** All of them. */
  readonly functions: readonly BuiltFunction[]
}

/** natOf a shape that tracks flows; undefined where nothing is translated. */
export function natOf(
  shape: Shape,
  memory: Memory,
  flows: FlowsShape,
  question: BuiltFunction,
): NatFunctions | undefined {
  const table = memory.tracking?.answers
  if (!table || !usesNat(shape)) return undefined
  const answers = answersOf(table)
  const request = requestFunction(shape, memory, flows, answers)
  const answer = answerFunction(shape, memory, flows, answers)
  const elsewhere = elsewhereFunction(shape, memory, question, request)
  return { request, answer, elsewhere, functions: [request, elsewhere, answer, ...answers.functions] }
}

/** WENT: added to the server that elsewhereFunction answers, so that it is told from a REQUEST. */
const WENT = 0x10000

/**
 * elsewhereFunction: (struct xdp_md *, the hash that chose the slot, `about`, where the headers are): the flow moves to
 * another slot's server, and its packet is translated; answers WENT + server, or a REQUEST that says why not.
 */
function elsewhereFunction(
  shape: Shape,
  memory: Memory,
  question: BuiltFunction,
  request: BuiltFunction,
): BuiltFunction {
  return plainFunction('elsewhere', (p) => {
    const [hash, about, where] = p.parameters('context', 'u64', 'u64', 'u32')
    const context = p.stashContext()
    const kept = { hash: p.stash(hash), about: p.stash(about), where: p.stash(where) }
    const server = p.slot('u32', memory.serverCapacity - 1)
    const [clash, noRoom, went] = [p.label('clash'), p.label('no-room'), p.label('went')]
    for (let tries = 0; tries < CLASH_TRIES; tries++) {
      const taken = p.label('taken-again')
      const next = p.alu('add', p.alu('mul', p.narrow(p.unstash(kept.hash)), CLASH_STEP), tries)
      const pool = p.below(
        p.narrow(p.alu('rsh', p.unstash(kept.about), ABOUT_POOL)),
        shape.pools.length,
        clash,
      )
      const tables = p.memory(memory.tables)
      const slot = p.alu(
        'rsh',
        p.alu('mul', p.widen(next), p.widen(p.load(p.element(tables.poolSizes, pool)))),
        32,
      )
      const index = p.alu('add', p.narrow(slot), p.load(p.element(tables.poolBases, pool)))
      const words = p.memory(memory.slots).words
      const word = p.load(p.element(words, p.below(index, memory.totalSlots, clash)))
      const moves = p.alu('or', p.unstash(kept.about), ABOUT.moves)
      const answer = p.callSub(
        question,
        p.contextOf(context),
        p.unstash(kept.hash),
        word,
        moves,
        p.unstash(kept.where),
      )
      p.jumpIf(anyBits(answer, UNRECORDED), noRoom)
      p.setSlot(server, p.alu('and', answer, memory.serverCapacity - 1))
      const service = p.alu('and', p.narrow(p.unstash(kept.about)), 0xffff)
      const refused = p.callSub(
        request,
        p.contextOf(context),
        p.unstash(server),
        service,
        p.unstash(kept.where),
      )
      p.jumpIf(eq(refused, REQUEST.done), went)
      p.jumpIf(eq(refused, REQUEST.taken), taken)
      p.exitValue(refused)
      p.bind(taken)
    }
    p.bind(clash)
    p.exitValue(REQUEST.clash)
    p.bind(noRoom)
    p.exitValue(REQUEST.noRoom)
    p.bind(went)
    p.exitValue(p.alu('or', p.unstash(server), WENT))
  })
}

interface Requested {
  readonly context: StashedContext
  /** Of the function that decides. */
  readonly answer: Val<'u32'>
  /** A variable: it may become another one. */
  readonly server: Val<'u32'>
  readonly about: Stashed<'u64'>
  readonly hash: Stashed<'u64'>
}

/** translateRequest: where the packet's service has nat: it gets its server's address, or does not go. */
export function translateRequest(
  p: Path,
  { shape, memory, match, where }: Route,
  nat: NatFunctions,
  { context, answer, server, about, hash }: Requested,
): void {
  const [translated, refused] = [p.label('translated'), p.label('refused')]
  if (!uniformUse(shape)) {
    const settings = p.load(p.element(p.memory(memory.tables).settings, take(p, match.service)))
    p.jumpIf(eq(p.alu('and', settings, SETTING.nat), 0), translated)
  }
  p.exitIf(anyBits(answer, UNRECORDED), 'no-room')
  const service = p.alu('and', p.narrow(p.unstash(about)), 0xffff)
  const code = p.callSub(nat.request, p.contextOf(context), server, service, p.unstash(where!))
  p.jumpIf(ne(code, REQUEST.done), refused)
  p.bind(translated)
  const done = p.label('request-done')
  p.goto(done)
  p.cold(refused, () => {
    const elsewhere = p.label('elsewhere')
    p.jumpIf(eq(code, REQUEST.taken), elsewhere)
    leaveBy(code)
    p.bind(elsewhere)
    const went = p.callSub(
      nat.elsewhere,
      p.contextOf(context),
      p.unstash(hash),
      p.unstash(about),
      p.unstash(where!),
    )
    const refusedAgain = p.label('refused-again')
    p.jumpIf(eq(p.alu('and', went, WENT), 0), refusedAgain)
    p.set(server, p.alu('and', went, memory.serverCapacity - 1))
    p.goto(done)
    p.bind(refusedAgain)
    leaveBy(went)
  })
  p.bind(done)

  function leaveBy(why: Val<'u32'>): void {
    p.exitIf(eq(why, REQUEST.noServer), 'no-server')
    p.exitIf(eq(why, REQUEST.noRoom), 'no-room')
    p.leave('clash')
  }
}

/** turnBack: the code behind a label: what is for no listener goes to its client where it is an answer. */
export function turnBack(
  p: Path,
  nat: NatFunctions,
  context: StashedContext,
  label: OutcomeName | Label,
): void {
  if (!(label instanceof Label)) return
  p.cold(label, () => {
    const answer = p.callSub(nat.answer, p.contextOf(context))
    p.exitIf(eq(answer, ANSWER.unknown), 'no-listener')
    p.exitIf(eq(answer, ANSWER.ttl), 'ttl')
    p.leave('answered')
  })
}
