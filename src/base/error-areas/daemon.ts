// Error codes of the daemon itself: its files, its socket, the requests that it answers, the events that it keeps and tells on.
// Sorted by code; error-catalogue.ts says how they are written and joins them with those of the other areas.

import { type Entry, entry } from './entry.ts'

/** daemonErrors: code -> meaning and remedy. */
export const daemonErrors = {
  DAEMON_ABSENT: entry(
    'no daemon answers',
    'start it with `tenbin run -c FILE`, or name its socket with --socket or --instance',
  ),
  DAEMON_ANSWER: entry(
    "the daemon's answer cannot be used",
    "look at the daemon's log; a daemon of another version may be running",
  ),
  DAEMON_RUNNING: entry(
    'a daemon of this instance is running',
    'stop it first (systemctl stop tenbin, or the pid named), or name another instance with --instance',
  ),
  EVENTS_UNKEPT: entry(
    'what happens cannot be kept on the disk: it is in memory, and lost with the daemon',
    'make room in the state directory, or give the daemon another (`tenbin run --state-dir`); it is tried again by itself',
  ),
  FILE_EXISTS: entry(
    'a file of that name is there already',
    'name another one, or move it away: it was not touched',
  ),
  FILE_UNWRITABLE: entry(
    'the file cannot be made',
    'name a folder that is there and that this user may write to',
  ),
  FOLLOWERS_LIMIT: entry(
    'too many readers follow events at once',
    'end a `tenbin events -f` that nobody needs, or have one reader pass events on',
  ),
  HASH_KEY_INVALID: entry(
    'the file that keeps the hash key is damaged',
    'restore it; or delete it, and every connection may move to another server once',
  ),
  INSTANCE_INVALID: entry(
    'this cannot name an instance',
    'use 1 to 32 of a-z, 0-9, - and _, the first a letter or digit',
  ),
  METRICS_UNHEARD: entry(
    'the address of metrics cannot be had',
    'free the port, or change metrics.listen in the file; it is tried again every two seconds',
  ),
  NAMESPACE_OTHER: entry(
    'this instance works in another network namespace',
    'run the command there (nsenter --net=/run/netns/NAME ...), or with --force if that namespace is gone',
  ),
  NOTIFY_FAILS: entry(
    'somebody of `notify` cannot be told what happens; it is tried again, and what waits is kept',
    'the message says at which step it fails; `tenbin notify test` tries it at once and says what to do',
  ),
  NOTIFY_NOBODY: entry(
    'the file that runs tells nobody what happens',
    'write whom to tell under `notify` in the file, and apply it: docs/tenbin.example.yaml shows how',
  ),
  NOTIFY_REFUSED: entry(
    'a mail server took the last mail for some of its recipients only',
    'see that the server accepts mail to the addresses that the message names, or take them out of `to`',
  ),
  NOTIFY_UNKEPT: entry(
    'how far targets of `notify` were told cannot be kept on the disk: after a restart they may miss or get again what waits',
    'make room in the state directory, or give the daemon another (`tenbin run --state-dir`); it is tried again by itself',
  ),
  NOT_APPLIED: entry('nothing is applied yet', 'ask `tenbin status` what the daemon waits for'),
  NOT_PERMITTED: entry('this needs more privileges', 'run it as root'),
  REQUEST_INVALID: entry(
    'the request is not one that the daemon understands',
    'see the list of requests in docs/api.md',
  ),
  REQUEST_TOO_LARGE: entry('the request is larger than the daemon reads', 'send at most 64 KiB'),
  ROUTE_UNKNOWN: entry('the daemon knows no such request', 'see the list of requests in docs/api.md'),
  RUN_STATE_UNREADABLE: entry(
    'the record of what this instance added to the machine cannot be read',
    'look at the file named; delete it if damaged, and remove the service addresses by hand',
  ),
  SOCKET_PATH_INVALID: entry("this path cannot be the daemon's socket", 'name another place with --socket'),
  STATE_UNUSABLE: entry(
    "a file or folder of the daemon's own cannot be used",
    'the message names it and why: make room or mend it, or name other places with --run-dir and --state-dir',
  ),
  TARGET_UNKNOWN: entry(
    'nobody of that name is told what happens',
    'name an entry of `notify` of the file that runs',
  ),
} as const satisfies Record<string, Entry>
