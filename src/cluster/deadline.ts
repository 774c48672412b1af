// A time-out that is fair: one that this process notices late, because it was not run or was busy, says nothing of the
// other end, whose answer may be waiting in the socket. So it is then put off, once, by a moment in which that is read.

/** GRACE_MS: the moment; LATE_MS: from what lateness on. */
const GRACE_MS = 250
const LATE_MS = 100

/** deadline calls `passed` after `ms`, unless it is disposed before. */
export function deadline(ms: number, passed: () => void): Disposable {
  const due = performance.now() + ms
  let timer = setTimeout(() => {
    if (performance.now() - due < LATE_MS) passed()
    else timer = setTimeout(passed, GRACE_MS)
  }, ms)
  return { [Symbol.dispose]: () => clearTimeout(timer) }
}
