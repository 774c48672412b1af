import { followerContract } from './follower-contract.ts'
import { KernelWorld } from './kernel-world.ts'
import { networkContract } from './network-contract.ts'
import { families } from './world.ts'

networkContract('kernel', () => new KernelWorld())
for (const family of families) followerContract('kernel', () => new KernelWorld(), family)
