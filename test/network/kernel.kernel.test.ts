import { followerContract } from './follower-contract.ts'
import { KernelWorld } from './kernel-world.ts'
import { networkContract } from './network-contract.ts'

networkContract('kernel', () => new KernelWorld())
followerContract('kernel', () => new KernelWorld())
