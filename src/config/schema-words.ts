// The words of which the file's schema is made: sections with fixed keys, texts with a pattern, lists, maps, choices.
// Each takes what belongs there in words, for messages (check-shape.ts puts them together), and what editors show.

import { z } from 'zod'

/** Kind: a kind of check that has keys of its own. */
type Kind =
  | 'tcp'
  | 'udp'
  | 'http'
  | 'https'
  | 'tls'
  | 'dns'
  | 'smtp'
  | 'redis'
  | 'mysql'
  | 'postgres'
  | 'grpc'
  | 'agent'
  | 'script'
  | 'ping'
  | 'ftp'

/** Section: a map with fixed keys, by the name under which schema.ts lists its keys. */
export type Section =
  | 'file'
  | 'defaults'
  | 'address set'
  | 'announce'
  | 'auth'
  | 'track'
  | 'route'
  | 'member'
  | 'pool'
  | 'service'
  | 'timeouts'
  | 'persistence'
  | 'sorry'
  | 'quorum'
  | 'guard'
  | 'limits'
  | 'metrics'
  | 'cluster'
  | 'defence'
  | 'defence of a service'
  | 'rule'
  | 'payload'
  | 'limit'
  | 'list'
  | 'proof'
  | 'sources'
  | 'recorder'
  | 'notification'
  | 'check'
  | 'part of a check'
  | `${Kind} check`

/** expected: what belongs there, such as `a listener such as 192.168.8.100:80`. */
export const expected = (text: string) => ({ error: () => text })

/** section: a map with these keys and no others; `text` says what belongs there. */
export function section<Shape extends z.core.$ZodLooseShape>(name: Section, shape: Shape, text: string) {
  return z.strictObject(shape, { error: ({ code }) => (code === 'unrecognized_keys' ? name : text) })
}

/** word: a text that editors check by `pattern`; load() says what is wrong with it. */
export const word = (text: string, pattern: string, description: string) =>
  z.string(expected(text)).meta({ pattern: `^${pattern}$`, description })

/** choice: one of the words that are built; load() knows those that are not yet. */
export const choice = (text: string, built: readonly string[], description: string) =>
  z.string(expected(text)).meta({ enum: [...built], description })

/** whole: a whole number within bounds. */
export function whole(min: number, max: number, description: string) {
  const text = expected(`a whole number from ${min} to ${max}`)
  return z.int(text).min(min, text).max(max, text).meta({ description })
}

/** list: one or a list of them. */
export const list = <T extends z.ZodType>(item: T, text: string) =>
  z.union([item, z.array(item, expected(text))], expected(text))

/** map: values under names of the file's own, which match `pattern`. */
export const map = <T extends z.ZodType>(pattern: string, value: T, text: string) =>
  z.record(z.string().meta({ pattern: `^${pattern}$` }), value, expected(text))

export const NAME = '[A-Za-z][A-Za-z0-9_.-]{0,62}'
export const NAMES = `${NAME}(\\.\\.\\d+)?`
export const IP4 = '\\d{1,3}(\\.\\d{1,3}){3}'
export const IP6 = '[0-9A-Fa-f]*:[0-9A-Fa-f:.]*'
export const IP = `(${IP4}|${IP6})`
