// Paths that the cluster itself handles; all others are their owners'.

/** HEARTBEAT: documents (document.ts), both ways. */
export const HEARTBEAT = 'cluster/heartbeat'
/** NEXT_KEY: the seed of an authority to come (rotation.ts); the answer is empty. */
export const NEXT_KEY = 'cluster/next-key'
