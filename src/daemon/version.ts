// The version of this tenbin, as its package.json has it: two folders up in the source, one up in the bundle.

import { readFileSync } from 'node:fs'
import { invariant } from '../base/errors.ts'

/** version: like "0.1.0". */
export const version: string = fromPackage()

function fromPackage(): string {
  for (const place of ['../package.json', '../../package.json']) {
    try {
      const file = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8')) as Record<
        string,
        unknown
      >
      if (file.name === 'tenbin') return String(file.version)
    } catch {
      // Not this one.
    }
  }
  invariant(false, 'tenbin has lost its package.json')
}
