// From bytes to plain values with places: UTF-8, YAML 1.2, and what of YAML is refused because it is read
// differently by whoever else reads the file. Maps become objects, lists arrays, and nothing is built from a
// key or tag but that. Left to others: what the values mean. Reference: yaml.org/spec/1.2.2, core schema (10.3).

import { isUtf8 } from 'node:buffer'
import { type Alias, Composer, type Node, Parser, type YAMLError } from 'yaml'
import { invariant } from '../base/errors.ts'
import { DEPTH_LIMIT, tooDeep } from './depth.ts'
import type { Findings } from './findings.ts'
import { toPlain } from './plain.ts'
import type { Source } from './source.ts'
import { rescueIp6 } from './unquoted-ip6.ts'

/** Parsed: a file's source and what it says; `value` is undefined when its text is not YAML as we read it. */
export interface Parsed {
  readonly source: Source
  readonly value: unknown
}

/** The most syntax errors that are listed of one file: those after the first are mostly its echo. */
const SYNTAX_LIMIT = 10

/** parse reads one file. Every fault is added to `findings`; nothing is thrown. */
export function parse(file: string, bytes: Uint8Array, findings: Findings): Parsed {
  const text = decode(file, bytes, findings)
  const bare: Source = { file, text: text ?? '', root: null, aliases: new Map() }
  if (text === undefined) return { source: bare, value: undefined }
  const before = findings.count
  const tokens = [...new Parser().parse(rescueIp6(text))]
  const deep = tooDeep(tokens)
  if (deep !== undefined) {
    findings.addAt(bare, deep, `nested more than ${DEPTH_LIMIT} deep`)
    return { source: bare, value: undefined }
  }
  const composer = new Composer({ version: '1.2', uniqueKeys: false, stringKeys: true })
  const [document, second] = [...composer.compose(tokens, true, text.length)]
  invariant(document, 'a file has a document, be it empty')
  const faults = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0])
  for (const fault of faults.slice(0, SYNTAX_LIMIT)) {
    findings.addAt(bare, Math.min(fault.pos[0], text.length), syntaxMessage(fault))
  }
  if (second)
    findings.addAt(bare, second.range[0], 'a second YAML document begins here: remove the line "---"')
  const { explicit, version } = document.directives.yaml
  if (explicit && version !== '1.2') {
    const said = `the file is read as YAML 1.2: remove the line "%YAML ${version}"`
    findings.addAt(bare, Math.max(0, text.indexOf('%YAML')), said)
  }
  if (findings.count > before) return { source: bare, value: undefined }
  const aliases = new Map<Alias, Node>()
  const source: Source = { file, text, root: document.contents, aliases }
  return { source, value: toPlain(source, aliases, findings) }
}

/** decode: the text without its byte order mark; or undefined, and the first bad byte's place is a finding. */
function decode(file: string, bytes: Uint8Array, findings: Findings): string | undefined {
  if (isUtf8(bytes)) return new TextDecoder().decode(bytes)
  const prefix = (length: number): string =>
    new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length), { stream: true })
  let [good, bad] = [0, bytes.length + 1]
  while (good + 1 < bad) {
    const middle = (good + bad) >> 1
    try {
      prefix(middle)
      good = middle
    } catch {
      bad = middle
    }
  }
  const text = prefix(good)
  const utf16 = bytes[0] === 0xff || bytes[0] === 0xfe ? ' (it looks like UTF-16)' : ''
  findings.addAt(
    { file, text, root: null, aliases: new Map() },
    text.length,
    `not UTF-8${utf16}: save the file as UTF-8`,
  )
  return undefined
}

const syntaxMessages: Partial<Record<YAMLError['code'], string>> = {
  NON_STRING_KEY: 'a key is one plain word',
  TAB_AS_INDENT: 'a tab does not indent in YAML: use spaces',
  TAG_RESOLVE_FAILED: 'a tag (!) has no meaning here: write the plain value',
}

const syntaxMessage = ({ code, message }: YAMLError): string =>
  syntaxMessages[code] ?? `not valid YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`
