// One attempt to tell one target of events: secrets are read, words are made, and whoever sends is asked.

import { setImmediate as turn } from 'node:timers/promises'
import type { MailTarget, NotifyTarget, WebhookTarget } from '../config/notify-spec.ts'
import type { Event } from '../events/event.ts'
import type { Job } from '../notify/jobs.ts'
import { type About, bodyOf, letterOf } from '../notify/message.ts'
import { failed, type Outcome } from '../notify/outcome.ts'
import { runScript } from '../notify/script.ts'
import { readSecret, readSmall } from './secrets.ts'
import { version } from './version.ts'

/** Send does a job of mail or webhook. Never rejects. */
export type Send = (job: Job) => Promise<Outcome>

/** tellTarget: at least one event; of webhooks and scripts exactly one. Never rejects. */
export async function tellTarget(
  { how, timeoutMs }: NotifyTarget,
  events: readonly Event[],
  missed: number,
  about: About,
  send: Send,
): Promise<Outcome> {
  // Whoever recorded the event does not wait for any of this.
  await turn()
  const body = bodyOf(events[0]!, missed, about)
  if (how.kind === 'script') return await runScript(how, body, timeoutMs)
  let job: Job
  try {
    job =
      how.kind === 'mail'
        ? await mailJob(how, events, missed, about, timeoutMs)
        : await webhookJob(how, body, events[0]!, about, timeoutMs)
  } catch (error) {
    return failed('secret', (error as Error).message)
  }
  return await send(job)
}

async function mailJob(
  { to, from, host, port, tls, login, caFile }: MailTarget,
  events: readonly Event[],
  missed: number,
  about: About,
  timeoutMs: number,
): Promise<Job> {
  return {
    kind: 'mail',
    ...{ host, port, tls, timeoutMs, to: [...to], name: about.host },
    from: from === '' ? `tenbin@${about.host}` : from,
    ...(login && { login: { user: login.user, password: await readSecret(login.password) } }),
    ...(await caOf(caFile)),
    ...letterOf(events, missed, about),
  }
}

async function webhookJob(
  { url, secret, caFile }: WebhookTarget,
  body: string,
  { seq, kind }: Event,
  { instance, host: machine }: About,
  timeoutMs: number,
): Promise<Job> {
  return {
    kind: 'webhook',
    ...{ url, host: new URL(url).host, timeoutMs, body },
    agent: `tenbin/${version}`,
    id: `${machine}-${instance}-${kind === 'node.test' ? `test-${Date.now()}` : seq}`,
    ...(secret && { secret: await readSecret(secret) }),
    ...(await caOf(caFile)),
  }
}

const caOf = async (file: string | undefined): Promise<{ ca?: string }> =>
  file === undefined ? {} : { ca: await readSmall(file) }
