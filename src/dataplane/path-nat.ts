// The packet path's side of nat: which packets are translated, and what becomes of those that cannot be; and what is for
// no listener, which may be an answer.

import type { StashedContext } from '../bpf/builder.ts'
import type { Stashed } from '../bpf/emitter.ts'
import type { Label } from '../bpf/isa.ts'
import { anyBits, eq, ne, type Val } from '../bpf/values.ts'
import type { BuiltFunction } from '../bpf/xdp.ts'
import { AWAIT } from './awaiting.ts'
import { type Path, put, take } from './cell.ts'
import { Ethernet } from './headers.ts'
import { awaitsAnswers, type Memory, SETTING, uniformUse, usesNat } from './memory.ts'
import type { OutcomeName } from './outcomes.ts'
import type { Route } from './path.ts'
import { answerFunction } from './path-answer.ts'
import { answersOf } from './path-answers.ts'
import { backFunction } from './path-back.ts'
import { UNRECORDED } from './path-decide.ts'
import { earlyFunction } from './path-early.ts'
import { followFunction } from './path-follow.ts'
import { keepFunction, REQUEST } from './path-keep.ts'
import { nearFunction } from './path-near.ts'
import { requestFunction, WENT } from './path-request.ts'
import { updateFunction } from './path-translate.ts'
import { ANSWER } from './path-way.ts'
import { WHERE } from './path-where.ts'
import type { FlowsShape, Shape } from './shape.ts'

/** NatFunctions: functions of the program that translate. */
export interface NatFunctions {
  readonly request: BuiltFunction
  readonly answer: BuiltFunction
  readonly back: BuiltFunction
  readonly follow: BuiltFunction
  /** Where answers may come before their flows are known. */
  readonly early: BuiltFunction | undefined
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
  const keep = keepFunction(shape, memory, flows, answers)
  const request = requestFunction(shape, memory, { keep, question, near: nearFunction(shape, memory) })
  const answer = answerFunction(shape, memory, flows, answers)
  const update = updateFunction()
  const back = backFunction(shape, memory, flows, answers, update)
  const early = awaitsAnswers(shape) ? earlyFunction(shape, memory, flows) : undefined
  return { request, answer, back, follow: followFunction(shape, memory, update), early }
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
  const belongs = p.label('belongs')
  const code = p.variable('u32')
  const here = () => take(p, where!) as Val<'u64'>
  p.jumpIf(anyBits(here(), WHERE.peek), belongs)
  p.set(code, p.callSub(nat.request, p.contextOf(context), server, p.unstash(hash), p.unstash(about), here()))
  const answered = p.label('request-answered')
  p.cold(belongs, () => {
    const service = p.narrow(p.alu('and', p.unstash(about), 0xffff))
    p.set(code, p.callSub(nat.follow, p.contextOf(context), server, service, here()))
    p.goto(answered)
  })
  p.bind(answered)
  p.jumpIf(eq(p.alu('and', code, WENT), 0), refused)
  p.set(server, p.alu('and', code, memory.serverCapacity - 1))
  p.bind(translated)
  p.cold(refused, () => {
    p.exitIf(eq(code, REQUEST.noServer), 'no-server')
    p.exitIf(eq(code, REQUEST.noRoom), 'no-room')
    p.exitIf(eq(code, REQUEST.hairpin), 'hairpin')
    p.leave('clash')
  })
}

/** Unserved: where what is for no listener goes: plain packets, and those of the slow path, which has left word in `where`. */
export interface Unserved {
  readonly plain: Label
  readonly slow: Label
}

/**
 * turnBack: the code behind both labels: what is for no listener goes to its client where it is an answer, else `passed`, but for
 * what comes too early.
 */
export function turnBack(
  p: Path,
  nat: NatFunctions,
  { shape, memory, where }: Route,
  context: StashedContext,
  { plain, slow }: Unserved,
  passed: OutcomeName | Label,
): void {
  const answer = p.variable('u32')
  const told = p.label('answer-told')
  const unknown = nat.early && { plain: p.label('unknown'), slow: p.label('unknown-slow') }
  const isUnknown = () => eq(answer, ANSWER.unknown)
  p.cold(slow, () => {
    const here = take(p, where!) as Val<'u64'>
    p.exitIf(eq(here, 0), passed)
    p.set(answer, p.callSub(nat.back, p.contextOf(context), here))
    if (unknown) p.jumpIf(isUnknown(), unknown.slow)
    p.goto(told)
  })
  p.cold(plain, () => {
    p.set(answer, p.callSub(nat.answer, p.contextOf(context)))
    if (unknown) p.jumpIf(isUnknown(), unknown.plain)
    p.bind(told)
    if (!unknown) p.exitIf(isUnknown(), passed)
    p.exitIf(eq(answer, ANSWER.ttl), 'ttl')
    if (shape.others.length > 0) p.exitIf(eq(answer, ANSWER.redirected), 'answer-redirected')
    p.leave('answered')
  })
  if (!unknown) return
  p.cold(unknown.plain, () => {
    put(p, where!, Ethernet.size)
    p.bind(unknown.slow)
    p.exitIf(eq(p.load(p.memory(memory.awaiting!).word), AWAIT.nothing), passed)
    const early = p.callSub(nat.early!, p.contextOf(context), take(p, where!) as Val<'u64'>)
    p.exitIf(ne(early, 0), 'untold')
    p.leave(passed)
  })
}
