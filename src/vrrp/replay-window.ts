// Which numbers of a sender were seen, so that an advert that is sent again by somebody else counts nothing. Its idea: as
// IPsec has it (RFC 4303 3.4.3): the highest number and a bit for each of the 64 up to it, because the network may
// reorder. A higher boot counter begins anew; a lower one is an old recording. Pure. A window belongs to one sender and
// is lost with the process: then what was recorded before is heard once more, of the sender's present boot at most.

import type { TrailerNumber } from '../wire/vrrp-trailer.ts'

/** WINDOW: how far behind the highest a number may come. */
export const WINDOW = 64n

/** ReplayWindow: bit n of `seen`: `highest` - n was seen. */
export interface ReplayWindow {
  readonly boot: number
  readonly highest: bigint
  readonly seen: bigint
}

/** Admitted: the window with the number in it, or why the number counts nothing. `heard`: the boot counter that counts. */
export type Admitted =
  | { readonly kind: 'new'; readonly window: ReplayWindow }
  | { readonly kind: 'seen' | 'too-old' }
  | { readonly kind: 'old-boot'; readonly heard: number }

const MASK = (1n << WINDOW) - 1n

/** admit: a number whose MAC is right; `window` is undefined for a sender that was never heard. */
export function admit(window: ReplayWindow | undefined, { boot, sequence }: TrailerNumber): Admitted {
  if (window === undefined || boot > window.boot)
    return { kind: 'new', window: { boot, highest: sequence, seen: 1n } }
  if (boot < window.boot) return { kind: 'old-boot', heard: window.boot }
  const { highest, seen } = window
  if (sequence > highest) {
    const ahead = sequence - highest
    const kept = ahead >= WINDOW ? 0n : (seen << ahead) & MASK
    return { kind: 'new', window: { boot, highest: sequence, seen: kept | 1n } }
  }
  const behind = highest - sequence
  if (behind >= WINDOW) return { kind: 'too-old' }
  const bit = 1n << behind
  return (seen & bit) !== 0n ? { kind: 'seen' } : { kind: 'new', window: { boot, highest, seen: seen | bit } }
}
