// The shape of an entry of `notify:`: mail, webhook or script, and when. notify.ts says what the words mean.

import { z } from 'zod'
import { eventKinds, severities, topics } from '../events/event.ts'
import { choice, expected, list, type Section, section, whole, word } from './schema-words.ts'

const text = (what: string, description: string) => word(what, '[\\s\\S]+', description).optional()
const file = (description: string) => word('the path of a file', '/.+', description).optional()
const name = (description: string) =>
  word('the name of a variable such as TENBIN_SECRET', '[A-Za-z_][A-Za-z0-9_]*', description).optional()
const duration = (example: string, description: string) =>
  word(`a duration such as ${example}`, '\\d+(\\.\\d+)?(ms|s|m|h|d)', description).optional()
const mailAddress = word('an address such as ops@example.net', '[^@\\s]+@[^@\\s]+', 'A mail address.')

export const notification = section(
  'notification',
  {
    mail: list(mailAddress, 'an address such as ops@example.net, or a list of them')
      .meta({ description: 'Who gets mails.' })
      .optional(),
    from: mailAddress.meta({ description: 'Who sends them; tenbin@ this node if absent.' }).optional(),
    server: text('a host such as mail.example.net', 'Of mail: the SMTP server.'),
    port: whole(1, 65_535, "Of mail: the server's port; 587, or 465 with tls, or 25 without.").optional(),
    tls: choice(
      'starttls, tls or none',
      ['starttls', 'tls', 'none'],
      'Of mail: starttls if absent; without it nothing is sent.',
    ).optional(),
    gather: duration('1m', 'Of mail: from one mail to the next; 1m if absent.'),
    webhook: word(
      'a URL such as https://hooks.example.net/tenbin',
      'https?://.+',
      'Where JSON is sent.',
    ).optional(),
    secret_file: file('Of webhook: the file that has the key of its signatures.'),
    secret_env: name('Of webhook: the variable of the environment that has it.'),
    script: z
      .array(
        word('a word', '[\\s\\S]*', 'A word of the command.'),
        expected('a command such as [/usr/local/bin/page]'),
      )
      .min(1, expected('a command such as [/usr/local/bin/page]'))
      .meta({
        description: 'A program that is run for each event, with the event as JSON on its standard input.',
      })
      .optional(),
    user: text('a user', 'Of mail: who logs in. Of script: who runs it; nobody if absent, never root.'),
    password_file: file('Of mail: the file that has the password.'),
    password_env: name('Of mail: the variable of the environment that has it.'),
    ca: file('Of mail and webhook: authorities (PEM) instead of the system’s.'),
    on: list(
      choice(
        `${topics.join(', ')}, or a kind such as server.down`,
        [...topics, ...Object.keys(eventKinds)],
        'What is told of.',
      ),
      `${topics.join(', ')}, or kinds such as server.down`,
    )
      .meta({ description: 'What is told of; all if absent.' })
      .optional(),
    severity: choice(
      severities.join(', '),
      severities,
      'Of what gravity, or graver; notice if absent, so that a server that comes back is told as well.',
    ).optional(),
    timeout: duration('10s', 'Of one attempt; 10s if absent.'),
  },
  'a notification such as { mail: ops@example.net, server: mail.example.net }',
)
export type NotificationShape = z.infer<typeof notification>

/** notifySections: keys of the section, for messages. */
export const notifySections: readonly (readonly [Section, readonly string[]])[] = [
  ['notification', Object.keys(notification.shape)],
]
