// Notifications by the API: a test of them.

import { z } from 'zod'

/** notifyTestQuery: `target`: one of `notify:`; all if absent. */
export const notifyTestQuery = z.strictObject({ target: z.string().min(1).max(63).optional() })

export const notifyTestSchema = z.object({
  results: z.array(
    z.object({
      name: z.string(),
      kind: z.enum(['mail', 'webhook', 'script']),
      done: z.boolean(),
      text: z.string().describe('what the receiver said, or what failed'),
      ms: z.int().describe('how long it took'),
      step: z.string().optional().describe('at which step it failed'),
      remedy: z.string().optional(),
    }),
  ),
})
export type NotifyTestAnswer = z.infer<typeof notifyTestSchema>
