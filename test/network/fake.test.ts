import { FakeWorld } from './fake-world.ts'
import { followerContract } from './follower-contract.ts'
import { networkContract } from './network-contract.ts'

networkContract('fake', () => new FakeWorld())
followerContract('fake', () => new FakeWorld())
