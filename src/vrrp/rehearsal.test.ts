import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { SyscallError } from '../sys/syscall.ts'
import { rehearse } from './rehearsal.ts'
import { V8_OPTIONS } from './v8-options.ts'

/** Of adverts, of gratuitous ARP, of adverts and neighbour advertisements. */
const [IP, ARP, IPV6] = ['0800', '0806', '86dd'] as const
/** The kernel gives the lowest index that is free. */
const ANY_NIC = 1_000_000

/** heard: frames by EtherType, of a rehearsal whose kernel answers so. */
function heard(answer: () => boolean) {
  const [counts, nics] = [new Map<string, number>(), new Set<string>()]
  rehearse({
    frames: {
      send: (frame, ifindex) => {
        assert.ok(ifindex > ANY_NIC)
        const type = Buffer.from(frame.subarray(12, 14)).toString('hex')
        counts.set(type, (counts.get(type) ?? 0) + 1)
        return answer()
      },
    },
    isRouter: (nic) => {
      nics.add(nic)
      return false
    },
  })
  return { counts, nics }
}

test('a rehearsal takes the role again and again: adverts and announcements of both families are made, for no NIC', () => {
  const { counts, nics } = heard(() => true)
  assert.deepEqual([...counts.keys()].toSorted(), [IP, ARP, IPV6])
  // Five times active, each time with more than one advert.
  assert.ok(counts.get(ARP)! >= 5, `${counts.get(ARP)} announcements`)
  assert.ok(counts.get(IP)! >= 10, `${counts.get(IP)} adverts`)
  assert.deepEqual([...nics], ['lo'])
})

test('a rehearsal is the same whatever the kernel says', () => {
  const expected = heard(() => true).counts
  for (const errno of [6, 1, 100]) {
    const { counts } = heard(() => {
      throw new SyscallError('sendto', errno)
    })
    assert.deepEqual(counts, expected)
  }
})

test('the unit of vrrp starts it with the options that all others start it with', () => {
  const unit = readFileSync(new URL('../../packaging/tenbin-vrrp.service', import.meta.url), 'utf8')
  const [, options] = /^ExecStart=\S+ (.*?) --enable-source-maps/ms.exec(unit) ?? []
  assert.deepEqual(options?.split(/[\s\\]+/), V8_OPTIONS)
})
