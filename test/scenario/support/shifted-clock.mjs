// Imported by a process before its own code: the wall clock of its JavaScript is so many milliseconds off as the file says
// that its URL names behind a question mark, at the moment; no file, none. What counts time otherwise goes on as it does.

import { readFileSync } from 'node:fs'

const RealDate = Date
const file = decodeURIComponent(new URL(import.meta.url).search.slice(1))

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
