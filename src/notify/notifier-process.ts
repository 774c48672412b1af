// The process that sends mails and webhooks: `notifier-process [UID GID]`. It talks with hosts that nobody vouches for, so it
// is not root: it gives up its user and groups before it has heard anything, which also keeps others of that user from
// looking into it (prctl(2), PR_SET_DUMPABLE: cleared by a change of user). Jobs come by standard input, outcomes go by
// standard output, a line each; it ends when its input does, and so with main.

import { createInterface } from 'node:readline'
import { askedSchema, type Job } from './jobs.ts'
import { sendMail } from './mail.ts'
import type { Outcome } from './outcome.ts'
import { failed } from './outcome.ts'
import { postWebhook } from './webhook.ts'

const [uid, gid] = process.argv.slice(2).map(Number)
if (uid !== undefined && gid !== undefined && process.getuid!() === 0) {
  process.setgroups!([])
  process.setgid!(gid)
  process.setuid!(uid)
}

const run = async (job: Job): Promise<Outcome> => {
  try {
    return await (job.kind === 'mail' ? sendMail(job) : postWebhook(job))
  } catch (error) {
    return failed('process', (error as Error).message)
  }
}

process.stdout.on('error', () => process.exit(0))
const lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })
lines.on('close', () => process.exit(0))
lines.on('line', async (line) => {
  const { number, job } = askedSchema.parse(JSON.parse(line))
  const outcome = await run(job)
  process.stdout.write(`${JSON.stringify({ number, outcome })}\n`)
})
