// An address set for tests: VRID 51 on eth0, adverts every 100 ms, priority 100; `more` says what is otherwise.

import type { NetworkSpec, SetSpec } from './spec.ts'

export const setSpec = (more: Partial<SetSpec> = {}, network: Partial<NetworkSpec> = {}): SetSpec => ({
  name: 'front',
  vrid: 51,
  version: 3,
  priority: 100,
  advertMs: 100,
  preempt: true,
  preemptDelayMs: 0,
  accept: true,
  checksum: 'rfc5798',
  mac: 'interface',
  announce: { repeatMs: 5000, refreshMs: 0 },
  networks: [{ name: 'lan', nic: 'eth0', addresses: ['10.0.0.100/24'], ...network }],
  track: [],
  ...more,
})
