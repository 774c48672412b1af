// Imported by a process before its own code: the wall clock of its JavaScript is so many milliseconds off as the file that
// TENBIN_TEST_CLOCK names says at the moment; no file, none. What counts time otherwise goes on as it does.

import { readFileSync } from 'node:fs'

const RealDate = Date
const file = process.env.TENBIN_TEST_CLOCK ?? ''

const now = () => {
  try {
    return RealDate.now() + Number(readFileSync(file, 'utf8'))
  } catch {
    return RealDate.now()
  }
}

globalThis.Date = new Proxy(RealDate, {
  construct: (target, words, as) => Reflect.construct(target, words.length === 0 ? [now()] : words, as),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
})
