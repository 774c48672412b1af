// docs/api.md, made from the route table and its schemas, so that it cannot say otherwise.

import { z } from 'zod'
import { routes, streams } from './api-routes.ts'
import { errorSchema } from './api-schema.ts'

/** apiPage: the document's text. */
export function apiPage(): string {
  const sections = routes.map(({ method, path, summary, query, body, reply }) => {
    const asked = body
      ? `The body, JSON of at most ${body.maxBytes / 2 ** 20} MiB:\n\n${schemaText(body.schema)}\n\nThe answer:\n\n`
      : ''
    return `## ${method} ${path}${queryText(query)}\n\n${summary}.\n\n${asked}${schemaText(reply)}`
  })
  const lasting = streams.map(
    ({ path, summary, query, line }) =>
      `## GET ${path}${queryText(query)}\n\n${summary}. JSON, one line each (\`application/x-ndjson\`), until the reader goes.\n\n${schemaText(line)}`,
  )
  return `${[intro, ...sections, ...lasting, `## Errors\n\n${errors}\n\n${schemaText(errorSchema)}`].join('\n\n')}\n`
}

/** queryText: ?server=...[&service=...]: what need not be there in brackets. */
const queryText = ({ shape }: z.ZodObject): string =>
  Object.entries(shape as Readonly<Record<string, z.ZodType>>)
    .map(([name, field], i) => [`${i === 0 ? '?' : '&'}${name}=...`, field] as const)
    .map(([text, field]) => (field.safeParse(undefined).success ? `[${text}]` : text))
    .join('')

const intro = `# The API

HTTP on the daemon's Unix socket, by default \`/run/tenbin/tenbin.sock\`; only its owner may connect. The command
\`tenbin\` uses nothing else. Counters are decimal strings, because a JSON number loses counts above 2^53. Fields are
only ever added within \`/v1\`; readers ignore what they do not know. Made from \`src/daemon/api-routes.ts\`.

    curl --unix-socket /run/tenbin/tenbin.sock http://tenbin/v1/status`

const errors = `Every answer that is not 200 is an error: a code of [errors.md](errors.md), what happened, what to do.
400: the request cannot be understood. 404: no such request, server or service. 409: not now: nothing is applied yet, or
the server is in another state. 413: too large. 422: the file
has errors, all of them in \`problems\`. 500: the operation failed, or a bug (code \`BUG\`). 503: too many
readers follow events already.`

/** Json: the part of JSON Schema that our schemas come to. */
interface Json {
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, Json>>
  readonly required?: readonly string[]
  readonly items?: Json
  readonly additionalProperties?: Json | false
}

function schemaText(schema: z.ZodType): string {
  const rows = fieldRows(z.toJSONSchema(schema, { io: 'output' }) as Json, '')
  return ['| field | type | |', '| --- | --- | --- |', ...rows].join('\n')
}

function fieldRows(json: Json, path: string): string[] {
  const inside = json.items ?? json
  const prefix = json.items ? `${path}[]` : path
  const fields = Object.entries(inside.properties ?? {}).flatMap(([name, field]) => {
    const at = prefix === '' ? name : `${prefix}.${name}`
    const isRequired = inside.required?.includes(name)
    const words = [isRequired ? '' : 'may be absent', field.description ?? ''].filter((word) => word !== '')
    return [`| \`${at}\` | ${typeText(field)} | ${words.join('; ')} |`, ...fieldRows(field, at)]
  })
  return fields
}

function typeText({ type, const: only, enum: some, items, additionalProperties }: Json): string {
  if (only !== undefined) return `\`${JSON.stringify(only)}\``
  if (some) return some.map((one) => `\`${JSON.stringify(one)}\``).join(' or ')
  if (items) return `list of ${typeText(items)}s`
  if (additionalProperties) return `object of ${typeText(additionalProperties)}s by name`
  return type ?? 'anything'
}
