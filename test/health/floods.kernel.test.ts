import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Checker, Target } from '../../src/health/checker.ts'
import { dns } from '../../src/health/checkers/dns.ts'
import { http } from '../../src/health/checkers/http.ts'
import { mysql } from '../../src/health/checkers/mysql.ts'
import { postgres } from '../../src/health/checkers/postgres.ts'
import { lookOnce } from '../../src/health/look.ts'
import { connectTo } from '../../src/health/tcp-channel.ts'
import { Reactor } from '../../src/sys/reactor.ts'
import { floodFrom } from './flood.ts'
import { loopback } from './look-at.ts'
import { mysqlGreeting, mysqlSwitch } from './right-answers.ts'

const TIMEOUT_MS = 400
/** So long others may wait in the best of so many looks: a machine that stalls does so in some. */
const [OTHERS_MS, LOOKS] = [300, 3]

/** What a protocol lets a server say for ever, and what is found of one that does. */
const floods: Readonly<
  Record<
    string,
    {
      readonly checker: (target: Target) => Checker
      readonly transport?: 'udp'
      readonly once?: string
      readonly again: string
      readonly greets?: true
      readonly text: RegExp
    }
  >
> = {
  'dns: answers to other questions': {
    checker: (target) => dns(target, { transport: 'udp', name: 'example.net', type: 'A' }),
    transport: 'udp',
    again: '\0\0\x81\x80\0\0\0\0\0\0\0\0',
    // One of 65,536 questions is that one.
    text: /^answer timed out after 400ms$|^NOERROR$/,
  },
  'one who reads without a bound': {
    checker: (target) => async (look) => {
      const channel = await connectTo(look, target)
      look.doing = 'reading'
      for (;;) await channel.read()
    },
    again: 'more of it',
    greets: true,
    text: /^reading timed out after 400ms$/,
  },
  'http: informational answers': {
    checker: (target) =>
      http(target, { method: 'GET', path: '/', host: 'x', status: [{ from: 200, to: 200 }] }),
    again: 'HTTP/1.1 100 Continue\r\n\r\n',
    text: /^no answer behind 16 informational ones$/,
  },
  'postgres: parameters behind a login': {
    checker: (target) => postgres(target, { user: 'lb' }),
    once: 'R\0\0\0\x08\0\0\0\0',
    again: 'S\0\0\0\x08a\0b\0',
    text: /^login: the server comes to no end$/,
  },
  'mysql: other plugins': {
    checker: (target) => mysql(target, { user: 'lb', password: 'x' }),
    once: mysqlGreeting,
    again: mysqlSwitch,
    greets: true,
    text: /^login: the server comes to no end$/,
  },
}

for (const [name, { checker, transport = 'tcp', once = '', again, greets = false, text }] of Object.entries(
  floods,
))
  test(`a server that talks on for ever keeps neither its own look nor anything else waiting: ${name}`, async () => {
    await using server = await floodFrom({ transport, once, again, greets })
    using reactor = new Reactor()
    let leastMs = Infinity
    for (let looked = 0; looked < LOOKS && leastMs >= OTHERS_MS; looked++) {
      let latestMs = 0
      let last = performance.now()
      const others = setInterval(() => {
        latestMs = Math.max(latestMs, performance.now() - last - 5)
        last = performance.now()
      }, 5)
      const started = performance.now()
      const finding = await lookOnce(checker(loopback(server.port)), { reactor, timeoutMs: TIMEOUT_MS })
      clearInterval(others)
      latestMs = Math.max(latestMs, performance.now() - last - 5)
      assert.match(finding.text, text)
      // Thrice: a time-out that this process noticed late is waited for once more, and there may be other stalls.
      assert.ok(performance.now() - started < TIMEOUT_MS + 100 + 3 * latestMs)
      leastMs = Math.min(leastMs, latestMs)
    }
    assert.ok(leastMs < OTHERS_MS, `others waited for ${leastMs} ms`)
  })
