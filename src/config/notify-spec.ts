// Who is told of events, and how: what `notify:` of the file comes to. Plain data; secrets are named, not held.

import type { EventKind, Severity, Topic } from '../events/event.ts'

/** SecretSource: where a secret is: in a file, or in the daemon's environment under a name. */
export type SecretSource = { readonly file: string } | { readonly env: string }

/** MailTarget: `tls`: `starttls` must be offered and is used, `tls` from the first byte, `none` neither. */
export interface MailTarget {
  readonly kind: 'mail'
  readonly to: readonly string[]
  readonly from: string
  readonly host: string
  readonly port: number
  readonly tls: 'starttls' | 'tls' | 'none'
  readonly login?: { readonly user: string; readonly password: SecretSource }
  /** Authorities (PEM) instead of the system's. */
  readonly caFile?: string
  /** From one mail to the next; what happens meanwhile is told in one. */
  readonly gatherMs: number
}

/** WebhookTarget: `url` is https, or http of this machine. */
export interface WebhookTarget {
  readonly kind: 'webhook'
  readonly url: string
  readonly secret?: SecretSource
  readonly caFile?: string
}

/** ScriptTarget: the first word of `command` is a path; `user` a name or `uid:gid`, never root. */
export interface ScriptTarget {
  readonly kind: 'script'
  readonly command: readonly [string, ...string[]]
  readonly user: string
}

export type NotifyHow = MailTarget | WebhookTarget | ScriptTarget

/** NotifyTarget: one of `notify:`. An event is for it if it is of `on`, and as grave as `severity`. */
export interface NotifyTarget {
  readonly name: string
  readonly on: readonly (Topic | EventKind)[]
  readonly severity: Severity
  /** Of one attempt. */
  readonly timeoutMs: number
  readonly how: NotifyHow
}
