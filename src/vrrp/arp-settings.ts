// What macvlans ask of ARP on their NIC (virtual-macs.ts), and what that was before: recorded until the last macvlan of the
// NIC is gone, so that a process that was killed leaves nothing that the next one, or `tenbin down`, could not put back.
// Its idea: a setting that is no longer as it was made here was set by somebody else since, and stays (ip-sysctl).

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import { writePrivate } from '../sys/private-file.ts'
import type { NicView } from './nic-view.ts'

/** A NIC answers, and asks, for its own addresses alone. */
const SET = { arp_ignore: '1', arp_announce: '2' } as const
const NAMES = ['arp_ignore', 'arp_announce'] as const

const nicSchema = z.strictObject({
  ifindex: z.int(),
  arp_ignore: z.string(),
  arp_announce: z.string(),
  /** Of whom it is so. */
  macvlans: z.array(z.string()),
})
const fileSchema = z.record(z.string(), nicSchema)
type Recorded = z.infer<typeof fileSchema>

export class ArpSettings {
  readonly #path: string
  #nics: Recorded

  /** `path`: of the record. One that is damaged is as if there were none. */
  constructor(path: string) {
    this.#path = path
    this.#nics = read(path)
  }

  /** macvlans of the record. */
  get macvlans(): string[] {
    return Object.values(this.#nics).flatMap((nic) => nic.macvlans)
  }

  /** hold a NIC's settings for a macvlan on it, which has the same ones. Throws what fs throws. */
  hold({ name, index }: Pick<NicView, 'name' | 'index'>, macvlan: string): void {
    const known = this.#nics[name]
    const before =
      known?.ifindex === index
        ? known
        : {
            ...{ ifindex: index, macvlans: [] },
            ...{ arp_ignore: readArp(name, 'arp_ignore'), arp_announce: readArp(name, 'arp_announce') },
          }
    const others = before.macvlans.filter((each) => each !== macvlan)
    this.#keep({ ...this.#nics, [name]: { ...before, macvlans: [...others, macvlan] } })
    for (const each of [name, macvlan]) for (const key of NAMES) writeArp(each, key, SET[key])
  }

  /** release what a macvlan asked for: its NIC's settings are as before unless another one is there. Throws what fs throws. */
  release(macvlan: string): void {
    for (const [name, { macvlans, ...before }] of Object.entries(this.#nics)) {
      if (!macvlans.includes(macvlan)) continue
      const others = macvlans.filter((each) => each !== macvlan)
      const { [name]: _, ...rest } = this.#nics
      if (others.length === 0) for (const key of NAMES) restore(name, key, before[key])
      this.#keep(others.length === 0 ? rest : { ...rest, [name]: { ...before, macvlans: others } })
    }
  }

  /** #keep: what cannot be kept counts all the same: a full disk is no reason not to serve. */
  #keep(nics: Recorded): void {
    this.#nics = nics
    try {
      if (Object.keys(nics).length > 0) writePrivate(this.#path, JSON.stringify(nics))
      else rmSync(this.#path, { force: true })
    } catch {
      // Then a process that is killed leaves them.
    }
  }
}

function read(path: string): Recorded {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return {}
  }
}

/** restore, unless the NIC is gone. */
function restore(nic: string, key: (typeof NAMES)[number], value: string): void {
  try {
    if (readArp(nic, key) === SET[key]) writeArp(nic, key, value)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

const pathOf = (nic: string, key: string): string => `/proc/sys/net/ipv4/conf/${nic}/${key}`
const readArp = (nic: string, key: string): string => readFileSync(pathOf(nic, key), 'latin1').trim()
const writeArp = (nic: string, key: string, value: string): void => writeFileSync(pathOf(nic, key), value)
