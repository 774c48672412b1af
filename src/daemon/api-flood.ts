// What the API says and takes of floods (api-schema.ts has the rest).

import { z } from 'zod'
import { rule } from '../config/schema-defence.ts'
import { GROUPS } from '../flood/facts.ts'
import { durationText } from './api-duration.ts'
import { badVerdicts, incidentSchema } from './api-flood-status.ts'

const count = z.string().regex(/^\d+$/).describe('a counter, in decimal: may exceed 2^53')
const time = z.string().describe('ISO 8601 in UTC')
const name = z.string().min(1).max(63)
const perS = (what: string) => z.number().describe(`${what} a second`)
const mode = z.enum(['auto', 'on', 'off'])

/** TERM: how long what is said holds: `for` so long, or `until` a time of day; neither: until it is taken back. */
const term = {
  for: durationText.optional(),
  until: z.iso
    .datetime({ local: true, offset: true })
    .transform((text) => Date.parse(text))
    .optional(),
}

export const floodRuleBody = z.strictObject({ rule })
export const floodRuleQuery = z.strictObject({ name, observe: z.enum(['true', 'false']).optional(), ...term })
export const floodNameQuery = z.strictObject({ name })
export const floodBanQuery = z.strictObject({ source: z.string().min(1).max(64), ...term })
export const floodUnbanQuery = z.strictObject({ source: z.string().min(1).max(64) })
export const floodTermQuery = z.strictObject(term)
export const floodSourcesBody = z.strictObject({
  sources: z.array(z.string().min(1).max(64)).min(1).max(256),
})
export const floodOnlyQuery = z.strictObject({ mode: z.enum(['on', 'off']), ...term })
export const floodProofQuery = z.strictObject({ mode, service: name.optional(), ...term })

/** floodOrderSchema: what a command about floods did. */
export const floodOrderSchema = z.object({
  about: z.string().describe('a rule, a ban, who is allowed, only, or proof, with its name'),
  changed: z.boolean().describe('something is different from before'),
  kept: z.boolean().describe('it holds over restarts of the daemon'),
  until: time.optional(),
  notes: z.array(z.string()),
})
export type FloodOrderAnswer = z.infer<typeof floodOrderSchema>

const suggestion = z.object({
  command: z.string(),
  wanted: z.number().describe('the share of the attack that it takes'),
  harm: z.number().describe('the share of normal packets that it would have taken'),
  normal: z.int().describe('how many normal packets it was checked with'),
})

const service = z.object({
  name: z.string(),
  verdict: z.enum(['calm', 'busy', ...badVerdicts]),
  text: z.string().describe('the verdict with its reasons, in one sentence'),
  since: time.optional().describe('of an attack or an overload'),
  openingsPerS: perS('SYNs'),
  othersPerS: perS('other TCP packets that went to servers'),
  udpPerS: perS('UDP packets that went to servers'),
  slow: z.int().describe('connections that are open and send next to nothing, as far as they were recorded'),
  completed: z.number().optional().describe('the share of connections that go on; absent: not known'),
  users: z
    .object({
      perS: perS('new connections that defence lets through'),
      completed: z
        .number()
        .optional()
        .describe('the share of these that go on; absent: too few were recorded'),
    })
    .describe('what users get'),
  sources: z
    .int()
    .describe('different sources in ten seconds, of SYNs or of what floods, as far as they were recorded'),
  usual: z
    .object({ openingsPerS: z.number(), othersPerS: z.number(), udpPerS: z.number(), slow: z.number() })
    .optional()
    .describe('absent: not known yet'),
  proof: mode,
  isUnderProof: z.boolean().describe('sources of SYNs have to prove that they are real, now'),
  ceiling: z.int().optional().describe('new flows a second'),
  serversUp: z.int(),
  servers: z.int(),
  checkMs: z.number().optional().describe('how long checks of its servers take; absent: not known'),
  suggestion: suggestion.optional(),
})
export type FloodService = z.infer<typeof service>

const ruleSchema = z.object({
  name: z.string(),
  action: z.enum(['count', 'drop', 'limit']),
  perSecond: z.int().optional().describe('of limit'),
  matches: z.string().describe('in the words of `tenbin flood add`'),
  services: z.array(z.string()).optional().describe('absent: all'),
  from: z.enum(['file', 'hand', 'shipped']),
  until: time.optional().describe('of a rule, or an action, by hand'),
  opening: count.describe('SYNs that it has matched'),
  others: count.describe('other packets that it has matched'),
  perS: perS('packets that it matches').optional(),
})
export type FloodRule = z.infer<typeof ruleSchema>

const byHand = z.object({ source: z.string(), since: time, until: time.optional() })

/** floodSchema: the state of attacks, evidence, rules. */
export const floodSchema = z.object({
  isOn: z.boolean().describe('the file that runs has a defence'),
  incidents: z.array(incidentSchema).describe('attacks and overloads, now'),
  services: z.array(service).describe('those of which something was seen lately, the worst first'),
  rules: z.array(ruleSchema),
  bans: z
    .array(byHand.extend({ from: z.enum(['hand', 'packets']) }))
    .describe('by hand, and those that the packet path has made, as far as a packet of theirs was recorded'),
  unnamedBans: z.int().describe('other sources that the packet path has banned'),
  allowed: z.array(byHand).describe('by hand'),
  only: z
    .object({ isOn: z.boolean(), from: z.enum(['file', 'hand']), until: time.optional() })
    .describe('whether who is not allowed is dropped'),
  rates: z
    .record(z.string(), z.number())
    .describe('packets a second by outcome of defence, docs/counters.md'),
  straysPerS: perS('packets to addresses and UDP ports that nobody has here'),
  sources: z
    .array(z.object({ network: z.string(), share: z.number() }))
    .describe('of recorded packets: the sources that most come from, at most ten'),
  sourcesOf: z
    .enum(GROUPS)
    .describe(
      'which packets `sources` and `networks` are of, those that flood: opening: SYNs, also where nothing floods; other: other TCP packets',
    ),
  networks: z.array(z.object({ network: z.string(), share: z.number() })).describe('likewise, /24 and /48'),
  memoryBytes: z.int().describe('of what defends, in the packet path'),
  recorded: z.object({ records: z.int(), bytes: z.int() }).optional().describe('room for recorded packets'),
})
export type FloodAnswer = z.infer<typeof floodSchema>
