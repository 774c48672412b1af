// What the API says and takes of changes: plan, apply, confirm, rollback, and what was applied before. A file travels
// with all that it includes, byte for byte, because the daemon may see other folders than who asks.

import { z } from 'zod'
import { contentSchema } from '../revisions/content.ts'
import { headSchema, WHY_LIMIT } from '../revisions/revision.ts'
import { durationText } from './api-duration.ts'
import { reloadSchema } from './api-schema.ts'

/** CONFIRM_LIMIT_MS: how long a change may wait to be confirmed. */
export const CONFIRM_LIMIT_MS = 24 * 60 * 60 * 1000
/** CONTENT_BODY_MAX: bytes of a body that carries a file: 16 MiB in base64, and names. */
export const CONTENT_BODY_MAX = 24 * 1024 * 1024

const why = z
  .string()
  .max(WHY_LIMIT)
  .refine((text) => !/\p{Cc}/u.test(text), 'no control characters')
  .default('')
const confirm = durationText
  .refine((ms) => ms >= 1_000 && ms <= CONFIRM_LIMIT_MS, 'from 1s to 24h')
  .optional()
const without = z
  .string()
  .max(1_000)
  .transform((text) => text.split(','))
  .optional()

/** applyQuery: `confirm`: how long; `without`: nodes, by commas; `base`: the id of the revision that this was made from. */
export const applyQuery = z.strictObject({ why, confirm, without, base: z.string().max(64).optional() })
export const rollbackQuery = z.strictObject({
  ...applyQuery.shape,
  to: z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .optional(),
})
export const revisionQuery = z.strictObject({ revision: z.string().regex(/^(\d{1,9}|[0-9a-f]{8,64})$/) })

export const revisionSchema = z.object({
  ...headSchema.shape,
  state: z
    .enum(['current', 'confirming', 'applied', 'not-applied'])
    .describe('applied: it counted before; not-applied: it never did, or was taken back'),
})
export type RevisionAnswer = z.infer<typeof revisionSchema>

export const historySchema = z.object({
  revisions: z.array(revisionSchema).describe('the latest first'),
  damaged: z.array(z.string()).describe('files that cannot be read as revisions'),
})
export type HistoryAnswer = z.infer<typeof historySchema>

export const showSchema = z.object({ revision: revisionSchema, content: contentSchema })
export type ShowAnswer = z.infer<typeof showSchema>

/** appliedSchema: what came of a change; `reloaded` of this node. */
export const appliedSchema = z.object({
  changed: z.boolean().describe('false: it counted already, and was put in once more'),
  revision: revisionSchema.optional().describe('absent: nothing counts any more'),
  confirmUntil: z.string().optional().describe('if it is not confirmed until then, it is taken back'),
  nodes: z.array(z.string()).describe('in the order in which they were asked'),
  unheard: z.array(z.string()).describe('nodes that could not be told in the end; they ask by themselves'),
  reloaded: reloadSchema.optional(),
})
export type AppliedAnswer = z.infer<typeof appliedSchema>

export const syncQuery = z.strictObject({ from: z.string().min(1).max(63).optional() })
/** syncSchema: which nodes run now what `from` runs, and did not before. */
export const syncSchema = z.object({
  from: z.string(),
  nodes: z.array(z.string()),
  revision: revisionSchema.optional().describe('the one that counts on this node'),
})
export type SyncAnswer = z.infer<typeof syncSchema>

/** planSchema: what a file would change. */
export const planSchema = z.object({
  base: z
    .string()
    .optional()
    .describe('the id of the revision that it was compared with; apply takes it as `base`'),
  actions: z.array(
    z.object({
      kind: z.enum(['add', 'remove', 'change']),
      what: z.string().describe('server, pool, service, ...'),
      name: z.string(),
      detail: z.string().optional(),
    }),
  ),
  moves: z
    .array(
      z.object({
        service: z.string(),
        moved: z
          .number()
          .optional()
          .describe(
            'part of new flows that another server gets, exactly; absent: the scheduler deals by turn or load',
          ),
        isAbout: z
          .literal(true)
          .optional()
          .describe(
            'it is about such a part: of a flow there is another hash, or its server was dealt by turn or load',
          ),
        broken: z
          .union([z.object({ flows: z.int() }), z.object({ share: z.number() })])
          .optional()
          .describe(
            'connections that break: so many, where all are remembered; else about such a part. Absent: none',
          ),
        why: z.string().optional(),
      }),
    )
    .describe('services whose traffic changes'),
})
export type PlanAnswer = z.infer<typeof planSchema>
