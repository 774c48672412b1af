// Every operational error code, with what it means and what to do: docs/errors.md is generated from this list,
// and a code that no test provokes fails `npm run check`. Keep it sorted by code.

interface Entry {
  readonly meaning: string
  readonly remedy: string
}

const entry = (meaning: string, remedy: string): Entry => ({ meaning, remedy })

/** errorCatalogue: code -> meaning and remedy, both full sentences without a final stop. */
export const errorCatalogue = {
  ADDRESS_INVALID: entry('this is not a valid address', 'write IPv4 as 192.0.2.1 and IPv6 as 2001:db8::1'),
} as const satisfies Record<string, Entry>

/** ErrorCode: one of the catalogue's codes. */
export type ErrorCode = keyof typeof errorCatalogue
