// A check as it is resolved from the file: what is asked, where, and how often. Plain JSON, because main hands it to the
// process that looks; so the types are those of a schema, by which that process checks what it is handed. Text that is
// to be sent or expected is as the file has it; files (passwords, authorities) are named here and read by who looks.

import { z } from 'zod'
import { RCODES, RECORD_TYPES, type RecordType } from '../wire/dns.ts'

const recordTypes = Object.keys(RECORD_TYPES) as [RecordType, ...RecordType[]]

const tls = z.strictObject({
  name: z.string().exactOptional(),
  verify: z.boolean(),
  caFile: z.string().exactOptional(),
  days: z.int().exactOptional(),
})

/** Of a payload: text, or bytes in hexadecimal. */
const payload = z.union([z.strictObject({ text: z.string() }), z.strictObject({ hex: z.string() })])
const port = z.int().min(1).max(65_535).exactOptional()

const tcp = z.strictObject({
  kind: z.literal('tcp'),
  send: payload.exactOptional(),
  expect: z.string().exactOptional(),
})
const udp = z.strictObject({ kind: z.literal('udp'), send: payload, expect: z.string().exactOptional() })
const http = z.strictObject({
  kind: z.literal('http'),
  version: z.enum(['1.1', '2']),
  method: z.string(),
  path: z.string(),
  /** Of the Host header; absent: the address that is looked at. */
  host: z.string().exactOptional(),
  headers: z.record(z.string(), z.string()),
  status: z.array(z.strictObject({ from: z.int(), to: z.int() })),
  body: z.string().exactOptional(),
  digest: z.string().exactOptional(),
  tls: tls.exactOptional(),
})
const tlsCheck = tls.extend({ kind: z.literal('tls') })
const dns = z.strictObject({
  kind: z.literal('dns'),
  transport: z.enum(['udp', 'tcp']),
  name: z.string(),
  type: z.enum(recordTypes),
  rcode: z.enum(RCODES).exactOptional(),
  answer: z.string().exactOptional(),
})
const smtp = z.strictObject({ kind: z.literal('smtp'), hello: z.string(), tls: tls.exactOptional() })
const login = { user: z.string().exactOptional(), passwordFile: z.string().exactOptional() }
const redis = z.strictObject({ kind: z.literal('redis'), ...login })
const mysql = z.strictObject({ kind: z.literal('mysql'), ...login })
const postgres = z.strictObject({
  kind: z.literal('postgres'),
  ...login,
  user: z.string(),
  database: z.string().exactOptional(),
})
const grpc = z.strictObject({
  kind: z.literal('grpc'),
  service: z.string(),
  host: z.string().exactOptional(),
  tls: tls.exactOptional(),
})
const agent = z.strictObject({ kind: z.literal('agent'), send: payload.exactOptional() })
const script = z.strictObject({
  kind: z.literal('script'),
  command: z.array(z.string()).min(1),
  isDynamic: z.boolean(),
  user: z.string(),
})
const ping = z.strictObject({ kind: z.literal('ping') })
const ftp = z.strictObject({ kind: z.literal('ftp') })

const single = z.discriminatedUnion('kind', [
  tcp,
  udp,
  http,
  tlsCheck,
  dns,
  smtp,
  redis,
  mysql,
  postgres,
  grpc,
  agent,
  script,
  ping,
  ftp,
])
const part = z.strictObject({ probe: single, port })
const several = z.strictObject({ kind: z.enum(['all', 'any']), of: z.array(part) })

/** probeSchema: what is asked. */
export const probeSchema = z.union([single, several])

export const rhythmSchema = z.strictObject({
  everyMs: z.int().min(1),
  timeoutMs: z.int().min(1),
  fall: z.int().min(1),
  rise: z.int().min(1),
  inDoubtMs: z.int().min(1),
  delayMs: z.int().min(0),
})

/** checkSchema: a check of a service's servers. */
export const checkSchema = z.strictObject({
  probe: probeSchema,
  rhythm: rhythmSchema,
  /** Instead of the service's. */
  port,
  /** Addresses as text; instead of the server's own, and which one we come from. */
  address: z.string().exactOptional(),
  source: z.string().exactOptional(),
  mark: z.int().min(0).max(0xffff_ffff).exactOptional(),
  /** A NIC. */
  interface: z.string().exactOptional(),
  /** It goes to a listener's address and port, at each server: the way of clients' packets. */
  via: z.literal('service').exactOptional(),
  /** It reports and moves nothing. */
  observe: z.boolean(),
})

export type Probe = z.infer<typeof probeSchema>
export type SingleProbe = z.infer<typeof single>
export type TlsProbe = z.infer<typeof tls>
export type Payload = z.infer<typeof payload>

/** Rhythm: how often a check looks; of a server that fails `fall` times in a row, and of one that answers `rise` times. */
export type Rhythm = z.infer<typeof rhythmSchema>
export type CheckSpec = z.infer<typeof checkSchema>

/** RHYTHM: what a file that says nothing means. */
export const RHYTHM: Rhythm = {
  everyMs: 2000,
  timeoutMs: 2000,
  fall: 3,
  rise: 2,
  inDoubtMs: 1000,
  delayMs: 0,
}

/** TCP_CHECK: what a service that says nothing of checks has. */
export const TCP_CHECK: CheckSpec = { probe: { kind: 'tcp' }, rhythm: RHYTHM, observe: false }
