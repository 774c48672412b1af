import assert from 'node:assert/strict'
import dns from 'node:dns'
import { test } from 'node:test'
import { sendMail } from './mail.ts'
import { outcomeText } from './outcome.ts'
import { postWebhook } from './webhook.ts'

test('where nobody answers at any address of a host, all of them are named', async (t) => {
  const addresses = [
    { address: '127.0.0.1', family: 4 },
    { address: '::1', family: 6 },
  ]
  t.mock.method(dns, 'lookup', (_: string, __: object, done: (...found: unknown[]) => void) =>
    done(null, addresses),
  )
  const text = 'connecting: connect ECONNREFUSED 127.0.0.1:1, connect ECONNREFUSED ::1:1'
  const host = 'two.example'
  const hook = { url: 'http://two.example:1/', host, agent: 'tenbin/1', body: '{}', id: 'x' }
  assert.equal(outcomeText(await postWebhook({ kind: 'webhook', ...hook, timeoutMs: 5_000 })), text)
  const letter = { name: 'lb1', from: 'a@b.example', to: ['c@b.example'], subject: 's', text: 't', id: 'x' }
  const mail = { ...letter, host, port: 1, tls: 'none', timeoutMs: 5_000 } as const
  assert.equal(outcomeText(await sendMail({ kind: 'mail', ...mail })), text)
})
