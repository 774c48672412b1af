// The API's requests about floods (api-routes.ts has the rest).

import {
  floodBanQuery,
  floodNameQuery,
  floodOnlyQuery,
  floodOrderSchema,
  floodProofQuery,
  floodRuleBody,
  floodRuleQuery,
  floodSchema,
  floodSourcesBody,
  floodTermQuery,
  floodUnbanQuery,
} from './api-flood.ts'
import { nothing, type Route, route } from './api-route.ts'

/** RULE_BYTES: a rule is smaller, and so are 256 networks. */
const RULE_BYTES = 16 * 1024

const untilOf = ({
  for: forMs,
  until,
}: {
  readonly for?: number | undefined
  readonly until?: number | undefined
}) => {
  const untilMs = until ?? (forMs === undefined ? undefined : Date.now() + forMs)
  return untilMs === undefined ? {} : { untilMs }
}

export const floodRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/flood',
    summary: 'Floods: verdicts with reasons, rates, rules with hits, bans, sources, state of proof',
    query: nothing,
    reply: floodSchema,
    handle: ({ flood }) => flood.answer(),
  }),
  route({
    method: 'POST',
    path: '/v1/flood/add',
    summary: 'A rule, for a time or until it is removed; of one that is there its action alone',
    query: floodRuleQuery,
    body: { schema: floodRuleBody, maxBytes: RULE_BYTES },
    reply: floodOrderSchema,
    handle: ({ flood }, { name, observe, ...term }, { body }) =>
      flood.order({ kind: 'add', name, rule: body.rule, isObserved: observe === 'true', ...untilOf(term) }),
  }),
  route({
    method: 'POST',
    path: '/v1/flood/remove',
    summary: 'What was said of a rule by hand is taken back',
    query: floodNameQuery,
    reply: floodOrderSchema,
    handle: ({ flood }, { name }) => flood.order({ kind: 'remove', name }),
  }),
  route({
    method: 'POST',
    path: '/v1/flood/ban',
    summary: 'A source is dropped, for a time or until the ban is taken back',
    query: floodBanQuery,
    reply: floodOrderSchema,
    handle: ({ flood }, { source, ...term }) => flood.order({ kind: 'ban', source, ...untilOf(term) }),
  }),
  route({
    method: 'POST',
    path: '/v1/flood/unban',
    summary: 'A ban by hand is taken back',
    query: floodUnbanQuery,
    reply: floodOrderSchema,
    handle: ({ flood }, { source }) => flood.order({ kind: 'unban', source }),
  }),
  route({
    method: 'POST',
    path: '/v1/flood/allow',
    summary: 'Networks that no limit and no ban holds for, for a time or until it is taken back',
    query: floodTermQuery,
    body: { schema: floodSourcesBody, maxBytes: RULE_BYTES },
    reply: floodOrderSchema,
    handle: ({ flood }, term, { body: { sources } }) =>
      flood.order({ kind: 'allow', sources, ...untilOf(term) }),
  }),
  route({
    method: 'POST',
    path: '/v1/flood/disallow',
    summary: 'What was allowed by hand no longer is',
    query: nothing,
    body: { schema: floodSourcesBody, maxBytes: RULE_BYTES },
    reply: floodOrderSchema,
    handle: ({ flood }, _, { body: { sources } }) => flood.order({ kind: 'disallow', sources }),
  }),
  route({
    method: 'POST',
    path: '/v1/flood/only',
    summary: 'Whether who is not allowed is dropped: on, or off',
    query: floodOnlyQuery,
    reply: floodOrderSchema,
    handle: ({ flood }, { mode, ...term }) =>
      flood.order({ kind: 'only', isOn: mode === 'on', ...untilOf(term) }),
  }),
  route({
    method: 'POST',
    path: '/v1/flood/proof',
    summary: 'Proof of source of a service, or of all: on, off, or by itself',
    query: floodProofQuery,
    reply: floodOrderSchema,
    handle: ({ flood }, { mode, service, ...term }) =>
      flood.order({ kind: 'proof', mode, ...(service !== undefined && { service }), ...untilOf(term) }),
  }),
]
