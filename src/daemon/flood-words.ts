// What operators say of floods as JSON: on disk, between nodes, in the API. Read strictly: a word of another node is as
// strange as one of a file.

import { z } from 'zod'
import { tryPrefix } from '../base/prefix.ts'
import { isName } from '../base/ranges.ts'
import { rule } from '../config/schema-defence.ts'
import { aboutOf, type FloodWord } from '../flood/said.ts'

const name = z.string().max(63).refine(isName)
const time = z.int().min(0)
const prefix = z
  .string()
  .max(64)
  .refine((text) => tryPrefix(text)?.isExact)
const mode = z.enum(['auto', 'on', 'off'])

const order = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('rule'), name, rule, isObserved: z.boolean() }),
  z.strictObject({ kind: z.literal('action'), name, action: z.enum(['count', 'drop', 'off']) }),
  z.strictObject({ kind: z.literal('ban'), prefix }),
  z.strictObject({ kind: z.literal('allow'), prefix }),
  z.strictObject({ kind: z.literal('only'), isOn: z.boolean() }),
  z.strictObject({ kind: z.literal('proof'), service: name.exactOptional(), mode }),
])

/** floodWordSchema: one word. */
export const floodWordSchema = z
  .strictObject({
    about: z.string().max(128),
    version: z.strictObject({ count: z.int().min(0), by: z.string().max(255) }),
    since: time,
    until: time.exactOptional(),
    order: order.exactOptional(),
  })
  .refine((word) => word.order === undefined || aboutOf(word.order) === word.about)
  .transform((word): FloodWord => word)
