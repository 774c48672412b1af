// all and any: several checks as one. They run at the same time, within the same time-out; the first finding that decides
// ends the others.

import type { Checker, Verdict } from '../checker.ts'
import { lookPart } from '../look.ts'

/** Named: a check among others, and how messages call it. */
export interface Named {
  readonly label: string
  readonly checker: Checker
}

/** all: good when each of them is. */
export const all = (checks: readonly Named[]): Checker => combined(checks, 'bad')

/** any: good when one of them is. */
export const any = (checks: readonly Named[]): Checker => combined(checks, 'good')

function combined(checks: readonly Named[], decisive: 'good' | 'bad'): Checker {
  return async (look) => {
    const seen: Verdict[] = []
    const parts = checks.map(async ({ label, checker }) => {
      const verdict = await lookPart(checker, look)
      return { ...verdict, text: `${label}: ${verdict.text}` }
    })
    return new Promise((resolve, reject) => {
      for (const part of parts)
        part.then((verdict) => {
          seen.push(verdict)
          if (verdict.outcome === decisive) resolve(verdict)
          else if (seen.length === parts.length) resolve(together(seen))
        }, reject)
    })
  }
}

/** together: none of them decided. One that said nothing leaves the whole without a finding. */
function together(seen: readonly Verdict[]): Verdict {
  const text = seen.map((verdict) => verdict.text).join('; ')
  const outcome = seen.find((verdict) => verdict.outcome === 'none')?.outcome ?? seen[0]!.outcome
  const report = seen.find((verdict) => verdict.report)?.report
  const warning = seen.find((verdict) => verdict.warning !== undefined)?.warning
  return { outcome, text, ...(report && { report }), ...(warning !== undefined && { warning }) }
}
