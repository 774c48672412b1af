// Lists of networks: `[203.0.113.0/24, { file: /etc/tenbin/deny.txt }]`. In a file one stands on each line, and what is behind
// # is a remark. The files are read as the file itself is, so they are part of what is applied; a line that is no network
// is told with its place, and nothing of the list counts then.

import { isAbsolute, join } from 'node:path'
import { coveredBy, formatPrefix, isEverybody, isMost, type Prefix, tryPrefix } from '../base/prefix.ts'
import { describe } from './check-shape.ts'
import type { Finding } from './config-error.ts'
import type { Findings } from './findings.ts'
import { type Reader, readFile } from './reader.ts'
import { prefixAt } from './rule-words.ts'
import type { ListedShape } from './schema-defence.ts'
import { inside, type Place } from './source.ts'

/** LIST_LIMIT: networks of one list, its files together. */
export const LIST_LIMIT = 100_000
/** BYTES_LIMIT: of one file of networks. */
const BYTES_LIMIT = 8 * 1024 * 1024
/** LINES_LIMIT: so many bad lines of a file are told one by one. */
const LINES_LIMIT = 10

/** ALONE: how to say that nearly everybody is to be dropped. */
const ALONE = 'or `only: true`, with those who are let in under allow'
const familyOf = ({ address }: Prefix): string => (typeof address === 'number' ? 'IPv4' : 'IPv6')

/** ListSource: where lists come from: the reader of the file, and the folder that relative paths begin in. */
export interface ListSource {
  readonly reader: Reader
  readonly folder: string
}

/** readList: the networks of a list, each once, in its order. `isDenied`: of those who are dropped, which is never nearly everybody. */
export function readList(
  value: ListedShape | readonly ListedShape[],
  place: Place,
  { reader, folder }: ListSource,
  findings: Findings,
  isDenied: boolean,
): Prefix[] {
  const items = Array.isArray(value) ? (value as readonly ListedShape[]) : [value as ListedShape]
  const all = new Map<string, Prefix>()
  const add = (prefix: Prefix) => all.set(formatPrefix(prefix), prefix)
  for (const [i, item] of items.entries()) {
    const at = Array.isArray(value) ? inside(place, i) : place
    if (typeof item === 'string') {
      const prefix = prefixAt(item, (message) => findings.add(at, message))
      if (prefix) add(prefix)
      continue
    }
    const path = isAbsolute(item.file) ? item.file : join(folder, item.file)
    const bytes = readFile(reader, path, BYTES_LIMIT + 1)
    if ('why' in bytes) findings.add(inside(at, 'file'), `${path} cannot be read: ${bytes.why}`)
    else if (bytes.length > BYTES_LIMIT) findings.add(inside(at, 'file'), `${path} is larger than 8 MiB`)
    else for (const prefix of readLines(path, Buffer.from(bytes).toString('utf8'), findings)) add(prefix)
  }
  const most = [...all.values()].filter(isDenied ? isMost : isEverybody)
  for (const prefix of most) {
    const part = isEverybody(prefix) ? 'all' : 'a large part'
    const remedy = isEverybody(prefix) ? 'that are smaller' : `of 8 bits and more, ${ALONE}`
    findings.add(place, `${formatPrefix(prefix)} is ${part} of ${familyOf(prefix)}: write networks ${remedy}`)
  }
  const covered = isDenied && most.length === 0 ? coveredBy([...all.values()]) : undefined
  if (covered !== undefined)
    findings.add(place, `together they are all of IPv${covered}: write fewer networks, ${ALONE}`)
  if (all.size > LIST_LIMIT)
    findings.add(
      place,
      `${all.size} networks are too many: at most ${LIST_LIMIT}; join neighbours to larger ones`,
    )
  return [...all.values()]
}

/** readLines: the networks of a file's lines. */
function readLines(file: string, text: string, findings: Findings): Prefix[] {
  const bad: Finding[] = []
  const prefixes = text.split('\n').flatMap((line, i) => {
    const word = line.replace(/#.*/, '').trim()
    if (word === '') return []
    const read = tryPrefix(word)
    if (read?.isExact) return { address: read.address, length: read.length }
    const message = read
      ? `${word} has bits behind its length: write ${formatPrefix(read)}`
      : `${describe(word)} is no network such as 203.0.113.0/24 or 2001:db8::/32`
    bad.push({ file, line: i + 1, column: line.indexOf(word) + 1, message })
    return []
  })
  for (const finding of bad.slice(0, LINES_LIMIT)) findings.addFinding(finding)
  const more = bad[LINES_LIMIT]
  if (more) {
    const message = `${bad.length - LINES_LIMIT} lines more are no networks: one stands on each line, remarks behind #`
    findings.addFinding({ ...more, message })
  }
  return prefixes
}
