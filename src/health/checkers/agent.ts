// agent: a server says of itself how much it wants, in one line of text: `75%`, `drain`, `down # disk full`. Compatible
// with HAProxy's agent-check: words separated by blanks or commas; what follows # is for people. A line that says
// nothing of its state leaves it up. Reference: HAProxy configuration manual, "agent-check".

import { Reader } from '../channel.ts'
import { bad, type Checker, good, type Report, type Target, type Verdict } from '../checker.ts'
import { failed, shown } from '../failure.ts'
import { connectTo } from '../tcp-channel.ts'

/** AgentOptions: `send` is written first. */
export interface AgentOptions {
  readonly send?: Uint8Array
}

/** agent: a checker of one target. */
export function agent(target: Target, { send }: AgentOptions = {}): Checker {
  return async (look) => {
    const channel = await connectTo(look, target)
    look.doing = 'report'
    if (send) await channel.write(send)
    return readReport(await reportLine(new Reader(channel, 1024)))
  }
}

/** A line's end may be the connection's. */
async function reportLine(reader: Reader): Promise<string> {
  try {
    return await reader.line()
  } catch (error) {
    if (reader.held.length === 0 || reader.held.length >= 1024) throw error
    return reader.held.toString('latin1')
  }
}

/** readReport: what a line says. Throws CHECK_FAILED for one that says nothing that is known. */
export function readReport(line: string): Verdict {
  const [said = '', ...rest] = line.split('#')
  const reason = rest.join('#').trim()
  const words = said
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((word) => word !== '')
  const text = `says ${shown(Buffer.from(line.trim(), 'latin1'))}`
  let report: Report = {}
  let isKnown = false
  for (const word of words) {
    const percent = /^(\d{1,3})%$/.exec(word)?.[1]
    if (percent !== undefined) report = { ...report, share: Number(percent) / 100 }
    else if (word === 'drain') report = { ...report, isDraining: true }
    else if (['down', 'failed', 'stopped', 'maint'].includes(word))
      return bad(reason === '' ? `says ${word}` : `says ${word}: ${reason.slice(0, 80)}`)
    else if (!['up', 'ready'].includes(word) && !/^maxconn:\d+$/.test(word)) continue
    isKnown = true
  }
  if (!isKnown) throw failed(`no report of an agent: ${shown(Buffer.from(line, 'latin1'))}`)
  return good(text, report)
}
