import { FakeWorld } from './fake-world.ts'
import { followerContract } from './follower-contract.ts'
import { networkContract } from './network-contract.ts'
import { families } from './world.ts'

networkContract('fake', () => new FakeWorld())
for (const family of families) followerContract('fake', () => new FakeWorld(), family)
