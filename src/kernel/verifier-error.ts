// A program that the kernel's verifier refused, told by our source line. Its idea: the log ends with the instruction
// that was looked at and the verifier's sentence; the instruction leads to the TypeScript line through the program's
// own line records, which works on kernels whose log names no line, and with whole paths where it names only the file.
// The entire log is kept. Left out: what registers held, which the log tells.
// Reference: kernel/bpf/log.c, verbose_linfo; struct bpf_line_info in linux/bpf.h.

import { type ErrorDetail, TenbinError } from '../base/errors.ts'
import type { ProgramSpec } from '../bpf/program.ts'

/** SourceLine: where an instruction comes from; `text` is empty where it is not known. */
export interface SourceLine {
  readonly file: string
  readonly line: number
  readonly text: string
}

const LINE_RECORD_BYTES = 16
const statistics = /^(processed \d+ insns|verification time|stack depth|max_states|mark_read|peak_states)/

/** sentence: the verifier's last words before its statistics. */
function sentenceOf(lines: readonly string[]): string {
  return lines.findLast((line) => line.trim() !== '' && !statistics.test(line))?.trim() ?? ''
}

/** instruction: the slot that the sentence names, else the last that was looked at. */
function instructionOf(lines: readonly string[], sentence: string): number | undefined {
  const named = /\binsn (\d+)/.exec(sentence)
  const walked = lines.findLast((line) => /^\d+: \([0-9a-f]{2}\)/.test(line))
  const slot = named?.[1] ?? walked?.slice(0, walked.indexOf(':'))
  return slot === undefined ? undefined : Number(slot)
}

function recordedLine(btf: NonNullable<ProgramSpec['btf']>, instruction: number): SourceLine | undefined {
  const records = Buffer.from(btf.lineInfo.buffer, btf.lineInfo.byteOffset, btf.lineInfo.byteLength)
  const blob = Buffer.from(btf.blob.buffer, btf.blob.byteOffset, btf.blob.byteLength)
  const strings = blob.subarray(blob.readUInt32LE(4) + blob.readUInt32LE(16))
  const text = (offset: number): string => strings.toString('utf8', offset, strings.indexOf(0, offset))
  let found: SourceLine | undefined
  for (let at = 0; at < records.length && records.readUInt32LE(at) <= instruction; at += LINE_RECORD_BYTES) {
    const [file, line, column] = [
      records.readUInt32LE(at + 4),
      records.readUInt32LE(at + 8),
      records.readUInt32LE(at + 12),
    ]
    found = { file: text(file), line: column >>> 10, text: text(line) }
  }
  return found?.file ? found : undefined
}

function loggedLine(lines: readonly string[]): SourceLine | undefined {
  const found = /^; (.*) @ (.+):(\d+)$/.exec(lines.findLast((line) => / @ .+:\d+$/.test(line)) ?? '')
  return found ? { text: found[1]!, file: found[2]!, line: Number(found[3]) } : undefined
}

/**
 * VerifierError: code VERIFIER_REFUSED. `message` starts with the source line: "src/dataplane/x.ts:42: load NAME: the
 * verifier's sentence"; without line records it starts with "load NAME".
 */
export class VerifierError extends TenbinError {
  /** All that the verifier wrote. */
  readonly log: string
  /** The verifier's last sentence. */
  readonly sentence: string
  /** The slot it is about, where the log tells. */
  readonly instruction: number | undefined
  readonly source: SourceLine | undefined

  constructor(
    spec: Pick<ProgramSpec, 'name' | 'btf'>,
    log: string,
    { cause }: Pick<ErrorDetail, 'cause'> = {},
  ) {
    const lines = log.split('\n')
    const sentence = sentenceOf(lines)
    const instruction = instructionOf(lines, sentence)
    const recorded = spec.btf && instruction !== undefined ? recordedLine(spec.btf, instruction) : undefined
    const source = recorded ?? loggedLine(lines)
    const where =
      instruction === undefined
        ? ''
        : ` (instruction ${instruction}${source?.text ? `: ${source.text}` : ''})`
    super('VERIFIER_REFUSED', `${source ? `${source.file}:${source.line}: ` : ''}load ${spec.name}`, {
      cause,
      detail: `${sentence || 'it gave no reason'}${where}`,
    })
    this.log = log
    this.sentence = sentence
    this.instruction = instruction
    this.source = source
  }
}
