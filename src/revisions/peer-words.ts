// What nodes say to each other about revisions: requests and answers, in JSON but for revisions, which travel as they lie
// on disk. All of them ride on Peers, which knows who asks.
//
//   prepare   {attempt}\n and the revision's bytes  ->  {isActive}
//   try       {id}                                  ->  what came of it
//   settle    {id, confirmMs?}                      ->  {}
//   abort     {id, why}                             ->  {}
//   outcome   {id, revision}                        ->  {outcome, leftMs?}: asked by who heard nothing for a while
//   confirm   {revision, why}, revert likewise      ->  {}
//   past      {id}   which revisions come after it  ->  {isPast, heads}
//   read      {id}                                  ->  the revision's bytes
//   adopt     {from} follow that node, whatever     ->  {number}

import { z } from 'zod'
import { headSchema, idText, refSchema, WHY_LIMIT } from './revision.ts'

/** paths of requests. */
export const paths = {
  prepare: 'revisions/prepare',
  try: 'revisions/try',
  settle: 'revisions/settle',
  abort: 'revisions/abort',
  outcome: 'revisions/outcome',
  confirm: 'revisions/confirm',
  revert: 'revisions/revert',
  past: 'revisions/past',
  read: 'revisions/read',
  adopt: 'revisions/adopt',
} as const

/** REVISION_BODY_MAX: bytes of a revision that travels: 16 MiB of files, their names, an attempt. */
export const REVISION_BODY_MAX = 24 * 1024 * 1024
/** PART: what each node publishes of itself. */
export const PART = 'revision'

const id = z.string().min(1).max(100)
/** REASON_LIMIT: characters of a reason on its way: what a file's findings say may be long. */
export const REASON_LIMIT = 10 * WHY_LIMIT
const why = z.string().max(REASON_LIMIT)

export const attemptSchema = z.strictObject({
  id,
  node: z.string().max(63),
  who: z.string().max(200),
  since: z.string().max(40),
})
export const partSchema = z.object({
  current: refSchema.optional(),
  state: z.enum(['settled', 'trying', 'confirming']),
  /** Why it does not follow the others. */
  why: z.string().optional(),
})
export type RevisionPart = z.infer<typeof partSchema>

export const nothingSchema = z.object({})
export const preparedSchema = z.object({ isActive: z.boolean() })
export const tryBody = z.object({ id })
export const ranSchema = z.object({
  change: z.enum(['taken-over', 'amended', 'replaced', 'created']),
  generation: z.number(),
  instructions: z.number(),
  loadMs: z.number(),
  notes: z.array(z.string()),
})
export const settleBody = z.object({ id, confirmMs: z.number().positive().optional() })
export const abortBody = z.object({ id, why })
export const outcomeBody = z.object({ id, revision: idText })
export const outcomeSchema = z.object({
  outcome: z.enum(['running', 'settled', 'confirming', 'none']),
  leftMs: z.number().optional(),
})
export const revisionBody = z.object({ revision: idText, why })
export const pastBody = z.object({ id: z.union([idText, z.literal('')]) })
/** pastSchema: `heads` after the one that was asked about, oldest first; of one that is not in the past all that are kept. */
export const pastSchema = z.object({ isPast: z.boolean(), heads: z.array(headSchema) })
export const readBody = z.object({ id: idText })
export const adoptBody = z.object({ from: z.string().max(63) })
export const adoptedSchema = z.object({ number: z.number() })
