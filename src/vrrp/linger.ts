// LINGER: whoever is followed by another node in order goes on serving until that one does. Who gives a role up waits for it
// `mostMs` at most, `lateMs` of that for the other one to be late; whoever ends the process waits for longer than that. From
// an advert of the other one on its addresses, and the word of them, are a moment away: `followedMs`.

export const LINGER = { lateMs: 100, mostMs: 5000, followedMs: 10 } as const
