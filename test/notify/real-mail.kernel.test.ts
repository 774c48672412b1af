// A mail by a real mail server, Debian's opensmtpd, into a mailbox on the disk; in a network and a mount namespace of its own, so
// that it is the only one here.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { MailJob } from '../../src/notify/jobs.ts'
import { sendMail } from '../../src/notify/mail.ts'
import { outcomeText } from '../../src/notify/outcome.ts'
import { NetworkNamespace } from '../../src/sys/namespace.ts'
import { realServer } from '../health/real-server.ts'

NetworkNamespace.create().enter()
execFileSync('ip', ['link', 'set', 'dev', 'lo', 'up'])
const folder = mkdtempSync(join(tmpdir(), 'tenbin-smtpd-'))
chmodSync(folder, 0o755)
after(() => rmSync(folder, { recursive: true }))

test('opensmtpd takes a mail, and refuses a recipient that is not its own', async () => {
  const box = join(folder, 'box')
  mkdirSync(box)
  chownSync(box, 65_534, 65_534)
  const config = join(folder, 'smtpd.conf')
  writeFileSync(
    config,
    `listen on 127.0.0.1 port 25 hostname mail.example
table everybody { "@" = nobody }
action "keep" maildir "/mnt/box" virtual <everybody>
match from any for domain "example.net" action "keep"
`,
  )
  // the folder is at /mnt for it: it may be below /run, which is its own there
  const own =
    'mount --bind "$0" /mnt && cp -a /var/spool/smtpd /mnt/spool && mount --bind /mnt/spool /var/spool/smtpd && mount -t tmpfs tmpfs /run'
  await using _ = await realServer({
    folder,
    command: ['unshare', '--mount', 'sh', '-c', `${own} && exec smtpd -d -f /mnt/smtpd.conf`, folder],
    port: 25,
  })
  const job: MailJob = {
    ...{ kind: 'mail', host: '127.0.0.1', port: 25, tls: 'none', timeoutMs: 10_000, name: 'lb1' },
    ...{ from: 'tenbin@lb1.example', to: ['ops@example.net'], subject: 'web03 down in www' },
    ...{ text: 'why\n', id: 'tenbin-tenbin-7-7' },
  }
  assert.equal(outcomeText(await sendMail(job)), 'accepted by 127.0.0.1 for ops@example.net')
  const mails = () => {
    try {
      return readdirSync(join(box, 'new'))
    } catch {
      return []
    }
  }
  for (let tries = 0; mails().length === 0; tries++) {
    assert.ok(tries < 500, 'the mail is not there')
    await delay(20)
  }
  const text = readFileSync(join(box, 'new', mails()[0]!), 'utf8')
  assert.match(text, /^Subject: web03 down in www$/m)
  assert.match(text, /^To: ops@example\.net$/m)
  const refused = await sendMail({ ...job, to: ['ops@other.example'] })
  assert.match(outcomeText(refused), /^sender and recipients: .*550 /)
})
