// What is wrong with a file, as an error: all of it at once, each finding with its own place. The message is
// what a person reads, one `file:line:column: message` a line, so that editors and grep jump to the place; the
// findings are the same as data.

import { TenbinError } from '../base/errors.ts'

/** Finding: one thing that is wrong and what to do about it. Line and column count from 1, columns in UTF-16 units. */
export interface Finding {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
}

/** formatFinding writes `file:line:column: message`. */
export const formatFinding = ({ file, line, column, message }: Finding): string =>
  `${file}:${line}:${column}: ${message}`

/**
 * ConfigError: the file cannot be used. CONFIG_INVALID: `findings` says why, in the order of the files and of
 * their lines. CONFIG_UNREADABLE: a file could not be read, `findings` is empty and `detail` names it.
 */
export class ConfigError extends TenbinError {
  readonly findings: readonly Finding[]

  constructor(
    code: 'CONFIG_INVALID' | 'CONFIG_UNREADABLE',
    op: string,
    { findings = [], detail, cause }: { findings?: readonly Finding[]; detail?: string; cause?: unknown },
  ) {
    super(code, op, { detail: detail ?? ['', ...findings.map(formatFinding)].join('\n'), cause })
    this.findings = findings
  }
}
