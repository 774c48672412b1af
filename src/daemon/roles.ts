// Who is active for which address set, as this node knows it: what everything in the daemon that depends on a role asks.
// A set without failover is held by the file's first node, whatever happens: that is its role, too. What makes the roles of
// the others is the vrrp process (vrrp.ts).

/** SetRole: this node's role for one address set (RFC 9568); `initialize`: it may not have one now. */
export interface SetRole {
  readonly role: 'initialize' | 'backup' | 'active'
  /** Since when; ms of the time of day. */
  readonly since: number
  /** The node that is active, by name, or by its address where that is no node's; undefined: nobody is heard. */
  readonly active?: string
}

/** Roles: of all sets of the file that runs. */
export interface Roles {
  /** of: undefined: there is no such set, or nothing is known of it yet. */
  of(set: string): SetRole | undefined
  /** sets: names, in the file's order. */
  sets(): readonly string[]
  /** isActive: this node is active for at least one set. */
  isActive(): boolean
  /** onChange: `listener` is told of each set whose role, or whose active node, has changed, after it has. */
  onChange(listener: (set: string) => void): Disposable
}
