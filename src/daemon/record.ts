// The record: what this instance added to the machine's interfaces and set in its kernel, so that it takes exactly that
// back and nothing that it found there. An entry is written before its address is added and taken out after it is removed: a
// crash in between leaves an entry without an address, which is harmless, never an address without an entry.
// A record of another boot or of another network namespace says nothing about this one and counts as empty.

import { readFileSync, readlinkSync, rmSync } from 'node:fs'
import { z } from 'zod'
import { formatIp, type Ip, parseIp } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { permitted } from '../sys/permitted.ts'
import { readIfThere, writePrivate } from '../sys/private-file.ts'

/** Owned: an address that this instance put on an interface. */
export interface Owned {
  readonly ifindex: number
  readonly interface: string
  readonly address: Ip
  readonly prefix: number
}

/**
 * SetSysctl: a kernel setting that this instance set to `value`, what it was, and others that are written with it.
 * `replaced`: a value of ours before this one, which it still has where the process died before it wrote.
 */
export interface SetSysctl {
  readonly name: string
  readonly value: string
  readonly replaced?: string | undefined
  readonly before: string
  readonly beside: Readonly<{ [name: string]: string }>
}

/** Record: everything recorded. `links`: indexes of the NICs on which servers' neighbour entries are managed. */
export interface Record {
  readonly addresses: readonly Owned[]
  readonly links: readonly number[]
  /** In the order in which they were set. */
  readonly sysctls: readonly SetSysctl[]
}

/** RecordStore: where the record is kept. */
export interface RecordStore {
  read(): Record
  write(record: Record): void
}

export const emptyRecord: Record = { addresses: [], links: [], sysctls: [] }

const ip = z.codec(z.string(), z.custom<Ip>(), { decode: parseIp, encode: formatIp })
const recordFile = z.object({
  version: z.literal(1),
  /** world: boot and network namespace that the entries are about. */
  world: z.string(),
  addresses: z.array(
    z.object({ ifindex: z.number(), interface: z.string(), address: ip, prefix: z.number() }),
  ),
  links: z.array(z.number()),
  sysctls: z
    .array(
      z.object({
        name: z.string(),
        value: z.string(),
        replaced: z.string().optional(),
        before: z.string(),
        beside: z.record(z.string(), z.string()),
      }),
    )
    .default([]),
})

/** readRecord: what is recorded for this boot and namespace. Throws RUN_STATE_UNREADABLE. */
export function readRecord(path: string, world = thisWorld()): Record {
  const file = readFile(path)
  if (file?.world !== world) return emptyRecord
  const { addresses, links, sysctls } = file
  return { addresses, links, sysctls }
}

/**
 * recordedElsewhere: the network namespace that the record is about, if it is another one of this boot. Throws
 * RUN_STATE_UNREADABLE.
 */
export function recordedElsewhere(path: string, world = thisWorld()): string | undefined {
  const file = readFile(path)
  if (!file || file.world === world) return undefined
  const [boot, namespace] = file.world.split(' ')
  return boot === world.split(' ')[0] ? namespace : undefined
}

function readFile(path: string): z.output<typeof recordFile> | undefined {
  try {
    const bytes = readIfThere(path)
    return bytes && z.decode(recordFile, JSON.parse(bytes.toString('utf8')))
  } catch (cause) {
    throw new TenbinError('RUN_STATE_UNREADABLE', 'read record', {
      detail: `${path}: ${reason(cause)}`,
      cause,
    })
  }
}

/** writeRecord replaces the record in one step; nothing recorded = no file. */
export function writeRecord(path: string, record: Record, world = thisWorld()): void {
  const { addresses, links, sysctls } = record
  if (addresses.length + links.length + sysctls.length === 0) {
    rmSync(path, { force: true })
    return
  }
  const file = z.encode(recordFile, {
    version: 1,
    world,
    addresses: [...addresses],
    links: [...links],
    sysctls: [...sysctls],
  })
  writePrivate(path, `${JSON.stringify(file, null, 2)}\n`)
}

/** recordStore keeps the record in a file. Throws RUN_STATE_UNREADABLE, NOT_PERMITTED, STATE_UNUSABLE. */
export const recordStore = (path: string): RecordStore => ({
  read: () => readRecord(path),
  write: (record) => permitted('write record', () => writeRecord(path, record)),
})

/** bootId names this boot of the machine. */
export const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

/** thisWorld names the boot and the network namespace that this process lives in. */
export function thisWorld(): string {
  return `${bootId()} ${readlinkSync('/proc/thread-self/ns/net')}`
}

const reason = (cause: unknown): string =>
  cause instanceof z.ZodError || cause instanceof SyntaxError
    ? 'its content is damaged'
    : cause instanceof Error
      ? cause.message
      : String(cause)
