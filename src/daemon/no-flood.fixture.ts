// For tests: what a daemon without defence answers when it is asked of floods.

import type { FloodAnswer } from './api-flood.ts'

export const noFlood: FloodAnswer = {
  isOn: false,
  incidents: [],
  services: [],
  rules: [],
  bans: [],
  unnamedBans: 0,
  allowed: [],
  only: { isOn: false, from: 'file' },
  rates: {},
  straysPerS: 0,
  sources: [],
  sourcesOf: 'opening',
  networks: [],
  memoryBytes: 0,
}
