// What the API says of checks: of the process that makes them, and what one has seen. (api-schema.ts has the rest.)

import { z } from 'zod'

const bucketCounts = z.array(z.int()).describe('by upper ends of 0.25 ms to 5 s, see docs/metrics.md')

/** checkerSchema: the process that looks at servers. */
export const checkerSchema = z.object({
  state: z.enum(['present', 'absent']),
  pid: z.int().optional(),
  since: z.string().optional(),
  why: z.string().optional().describe('of absent'),
  checks: z.int().optional().describe('how many it looks at'),
  looks: z.int().optional().describe('of the last second'),
  lateP99Ms: z.number().optional().describe('all but one of a hundred of them began no later'),
  latestMs: z.number().optional(),
  overdue: z.int().optional().describe('checks that stand still: not begun in time, or not ended'),
  totals: z
    .array(
      z.object({
        kind: z.string(),
        good: z.int(),
        bad: z.int(),
        none: z.int().describe('looks that found nothing, for a reason of this machine'),
        latencies: bucketCounts,
        sumMs: z.number(),
      }),
    )
    .optional()
    .describe('looks since it began, by kind of check; latencies are those of good ones'),
  lateness: z.object({ counts: bucketCounts, sumMs: z.number() }).optional(),
  ends: z.int().describe('how often one ended by itself since the daemon began'),
  isCrashLoop: z.boolean().describe('five times and more within five minutes'),
  lastEnd: z
    .object({
      at: z.string(),
      how: z.string().describe('status, signal, or that it hung'),
      words: z.string().optional().describe('what it said last'),
    })
    .optional(),
})

const name = z.string().min(1).max(63)

export const checksQuery = z
  .strictObject({ service: name.optional(), server: name.optional() })
  .refine(({ service, server }) => service !== undefined || server !== undefined, {
    message: 'name a service, a server, or both',
  })

const standing = z.enum(['unknown', 'up', 'down'])

/** checkDetailSchema: one check of one server for one service. */
export const checkDetailSchema = z.object({
  server: z.string(),
  service: z.string(),
  pool: z.string(),
  isObserved: z.boolean().describe('it is told of, and moves nothing'),
  check: z.string().describe('what it asks, in a few words'),
  kind: z.string(),
  address: z.string(),
  port: z.int(),
  everyMs: z.number(),
  timeoutMs: z.number(),
  fall: z.int(),
  rise: z.int(),
  standing,
  since: z.string().optional(),
  why: z.string().optional().describe('of down'),
  warning: z.string().optional(),
  isOverdue: z.boolean().describe('it stands still: was not begun in time, or does not end'),
  history: z
    .object({
      looks: z.int(),
      streak: z.int().describe('findings in a row that contradict the standing'),
      lastLook: z
        .object({
          at: z.string(),
          outcome: z
            .enum(['good', 'bad', 'none'])
            .describe('none: nothing found, for a reason of this machine'),
          text: z.string(),
          latencyMs: z.number(),
        })
        .optional(),
      lastFailure: z.object({ at: z.string(), text: z.string() }).optional(),
      p50Ms: z
        .number()
        .optional()
        .describe('half of the good looks took no longer; absent: none, or above 5 s'),
      p99Ms: z.number().optional().describe('all but one of a hundred'),
      latencies: bucketCounts,
      transitions: z
        .array(
          z.object({
            at: z.string(),
            from: standing,
            to: z.enum(['up', 'down']),
            text: z.string().describe('the finding that decided'),
            count: z.int().describe('how many in a row it took'),
          }),
        )
        .describe('the last 16, the latest last'),
    })
    .optional()
    .describe('absent: the checker is not there'),
})
export type CheckDetail = z.infer<typeof checkDetailSchema>

export const checksSchema = z.object({
  checks: z.array(checkDetailSchema),
  more: z.int().describe('how many there are beside these: an answer has at most 1000'),
})
export type ChecksAnswer = z.infer<typeof checksSchema>
