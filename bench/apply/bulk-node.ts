// A node that runs a bulk file, as the bench drives it: started until it has applied, asked for a change, and what it says of
// itself. It is not asked how it is meanwhile: an answer about 100,000 members takes longer than much of what is measured.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { z } from 'zod'
import { eventsSchema } from '../../src/daemon/api-events.ts'
import { appliedSchema } from '../../src/daemon/api-revisions.ts'
import { statusSchema } from '../../src/daemon/api-schema.ts'
import type { Lab } from '../../src/lab/held-lab.ts'
import { encodeContent, readContent } from '../../src/revisions/content.ts'
import { Tenbin } from '../../test/scenario/support/tenbin.ts'
import { bulkAddresses } from './bulk-file.ts'

const PATIENCE_MS = 300_000

/** Change: what it took from the file's name to the answer, and what came of it. */
export interface Change {
  readonly ms: number
  readonly answer: z.output<typeof appliedSchema>
}

/** connectServers: one machine has the addresses of all servers, and nodes are on their network before they serve there. */
export async function connectServers(lab: Lab, nodes: readonly string[], servers: number): Promise<void> {
  const addresses = bulkAddresses(servers).map((address) => `addr add ${address}/16 dev eth0\n`)
  await lab.run('web01', ['ip', '-batch', '-'], addresses.join(''))
  for (const [i, node] of nodes.entries())
    await lab.run(node, ['ip', 'addr', 'add', `10.0.15.${i + 1}/16`, 'dev', 'eth0'])
}

export class BulkNode extends Tenbin {
  readonly #lab: Lab
  readonly #name: string

  constructor(lab: Lab, name: string) {
    super(lab, name)
    this.#lab = lab
    this.#name = name
  }

  /** cold starts it, and resolves when it has applied its file; the time that took. */
  async cold(): Promise<number> {
    const start = performance.now()
    this.#lab.start('tenbin', this.#name, this.command())
    await this.until(async () => (await this.#kinds()).includes('node.applied'))
    return performance.now() - start
  }

  /** stop it; `down` removes what it leaves. */
  async stop(): Promise<void> {
    process.kill((await this.facts()).pid, 'SIGTERM')
    await this.until(async () => (await this.#kinds()).length === 0)
    await this.cli('down')
  }

  /** change what it runs to this text. */
  async change(text: string): Promise<Change> {
    const path = join(this.#lab.directory, 'next.yaml')
    writeFileSync(path, text)
    const start = performance.now()
    const body = encodeContent(readContent(path).content)
    const call = { method: 'POST', path: '/v1/apply', body, reply: appliedSchema, timeoutMs: 60_000 } as const
    const answer = await this.ask(call)
    return { ms: performance.now() - start, answer }
  }

  /** facts: how many of what it has, and the megabytes that it holds. */
  async facts() {
    const { services, pools, servers, pid } = await this.ask({
      ...{ path: '/v1/status', reply: statusSchema, timeoutMs: 60_000 },
    })
    const rss = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!
    const reached = servers.filter(({ mac }) => mac).length
    return { pid, services: services.length, pools: pools.length, reached, rss: Number(rss[1]) / 1000 }
  }

  /** until it is so. Throws when that takes too long. */
  async until(is: () => Promise<boolean>): Promise<void> {
    for (const end = performance.now() + PATIENCE_MS; !(await is()); await delay(20))
      if (performance.now() > end) throw new Error(`tenbin on ${this.#name} is not ready in time`)
  }

  /** #kinds of what has happened; nothing while nobody answers. */
  async #kinds(): Promise<string[]> {
    try {
      const { events } = await this.ask({ path: '/v1/events', reply: eventsSchema })
      return events.map(({ kind }) => kind)
    } catch {
      return []
    }
  }
}
