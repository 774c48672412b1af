// NICs and their addresses, followed for vrrp: told as they are when something has changed, at most every SEE_MS, and which set
// lost an address. What cannot be read is as it was, and looked at again.

import { TenbinError } from '../base/errors.ts'
import type { Network } from '../netlink/network.ts'
import { isRenewal } from '../netlink/renewal.ts'
import type { NicView } from './nic-view.ts'
import type { RtnlWork } from './rtnl-work.ts'

/** NicWatchOptions: `now` is of a clock that nobody sets, in ms. */
export interface NicWatchOptions {
  readonly network: Network
  readonly work: Pick<RtnlWork, 'views' | 'bereft'>
  readonly now: () => number
  readonly onViews: (views: readonly NicView[]) => void
  readonly onBlind: (why: string) => void
  readonly onGone: (set: string) => void
}

/** SEE_MS: NICs are read anew so often at most, whoever changes them; BLIND_MS: when that failed. */
const SEE_MS = 20
export const BLIND_MS = 1000

export class NicWatch implements Disposable {
  readonly #options: NicWatchOptions
  readonly #events: Disposable
  #seenAt = Number.NEGATIVE_INFINITY
  #seeing: NodeJS.Timeout | undefined

  /** Throws SyscallError. */
  constructor(options: NicWatchOptions) {
    this.#options = options
    const { network, work, now, onGone } = options
    this.#events = network.subscribe(['links', 'addresses'], (events) => {
      const news = events.filter((event) => !isRenewal(event))
      if (news.length === 0) return
      for (const set of work.bereft(news)) onGone(set)
      if (now() >= this.#seenAt + SEE_MS) this.see()
      else this.#seeing ??= setTimeout(() => this.see(), SEE_MS)
    })
  }

  /** see NICs as they are now. */
  see(): void {
    const { work, now, onViews, onBlind } = this.#options
    clearTimeout(this.#seeing)
    this.#seeing = undefined
    this.#seenAt = now()
    try {
      onViews(work.views())
    } catch (error) {
      if (!(error instanceof TenbinError)) throw error
      onBlind(error.message)
      this.#seeing = setTimeout(() => this.see(), BLIND_MS)
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#seeing)
    this.#events[Symbol.dispose]()
  }
}
