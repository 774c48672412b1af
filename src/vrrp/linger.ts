// Who gives a role up in order goes on serving until another node has it: so long at most, and `lateMs` of that for the other
// one to be late. Whoever ends the process waits for longer than that.

export const LINGER = { lateMs: 100, mostMs: 5000 } as const
