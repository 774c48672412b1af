// Who looks at what is tracked and has to be asked: scripts, files, addresses that are to be reached. Its idea: one look
// after the other, each within its time, by the checkers that look at servers too (health/checkers); what a look could not
// find out, for a reason of this machine, changes nothing. Left out: links and the packet path, which the process sees by
// itself; services, which main knows.

import { access } from 'node:fs/promises'
import { formatIp, parseIp } from '../base/addresses.ts'
import type { Checker } from '../health/checker.ts'
import { any } from '../health/checkers/combined.ts'
import { ping } from '../health/checkers/ping.ts'
import { script } from '../health/checkers/script.ts'
import { lookOnce } from '../health/look.ts'
import { lookUpUser } from '../health/user.ts'
import type { Reactor } from '../sys/reactor.ts'
import type { TrackedThing } from './spec.ts'

/** See: how a thing looks. */
export type See = (isUp: boolean, text: string) => void

/** FILE_EVERY_MS: a file is looked for so often. */
export const FILE_EVERY_MS = 200
/** HUNG_LOOKS: a look at a file that is still not over when so many more were due is one that storage keeps waiting. */
export const HUNG_LOOKS = 5
/** REACH_TIMEOUT_MS: at most so long for an echo. */
const REACH_TIMEOUT_MS = 1000

/** openTracker looks at a thing again and again until disposed, for the first time at once. Nothing is looked at of others. */
export function openTracker(thing: TrackedThing, reactor: Reactor, see: See): Disposable {
  switch (thing.kind) {
    case 'link':
    case 'service':
      return { [Symbol.dispose]: () => {} }
    case 'file':
      return lookingAtFile(thing.path, see)
    case 'script':
      return looking(scriptOf(thing), { reactor, everyMs: thing.everyMs, timeoutMs: thing.timeoutMs }, see)
    case 'reach': {
      const parts = thing.addresses.map((text) => ({
        label: formatIp(parseIp(text)),
        checker: ping({ address: parseIp(text), port: 0 }),
      }))
      const timeoutMs = Math.min(REACH_TIMEOUT_MS, thing.everyMs)
      const names = thing.addresses.join(', ')
      return looking(any(parts), { reactor, everyMs: thing.everyMs, timeoutMs }, (isUp, text) =>
        see(isUp, isUp ? text : `none of ${names} answers: ${text}`),
      )
    }
    default:
      return thing satisfies never
  }
}

/** scriptOf: a user that this machine does not know, or root, is a failure of each look. */
function scriptOf({ command, user }: Extract<TrackedThing, { kind: 'script' }>): Checker {
  const nowhere = { address: parseIp('127.0.0.1'), port: 0 }
  return (look) => script(nowhere, { command, isDynamic: false, ...lookUpUser(user) })(look)
}

/** lookingAtFile: never in the way of adverts. What storage that hangs does not tell is as it was seen last. */
export function lookingAtFile(path: string, see: See, isThere = exists): Disposable {
  let isOver = false
  /** Looks that were due since one began; undefined: none is going on. */
  let waited: number | undefined
  let seen: boolean | undefined
  const timer = every(FILE_EVERY_MS, () => {
    if (waited !== undefined) {
      if (++waited >= HUNG_LOOKS && seen !== undefined)
        see(seen, `${path} cannot be looked at: its storage does not answer`)
      return
    }
    waited = 0
    void isThere(path).then((there) => {
      waited = undefined
      seen = !there
      if (!isOver) see(seen, there ? `${path} is there` : `there is no ${path}`)
    })
  })
  return {
    [Symbol.dispose]: () => {
      isOver = true
      timer[Symbol.dispose]()
    },
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

interface Rhythm {
  readonly reactor: Reactor
  readonly everyMs: number
  readonly timeoutMs: number
}

function looking(checker: Checker, { reactor, everyMs, timeoutMs }: Rhythm, see: See): Disposable {
  let isOver = false
  let isLooking = false
  const timer = every(everyMs, () => {
    if (isLooking) return
    isLooking = true
    void lookOnce(checker, { reactor, timeoutMs }).then(({ outcome, text }) => {
      isLooking = false
      if (!isOver && outcome !== 'none') see(outcome === 'good', text)
    })
  })
  return {
    [Symbol.dispose]: () => {
      isOver = true
      timer[Symbol.dispose]()
    },
  }
}

function every(ms: number, work: () => void): Disposable {
  work()
  const timer = setInterval(work, ms)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
