// The network of this machine as commands use it: questions and answers, no events.

import { KernelNetwork } from '../netlink/kernel-network.ts'
import type { Network } from '../netlink/network.ts'

/** openMachineNetwork: of the network namespace in which the process runs. subscribe() is not for it. */
export const openMachineNetwork = (): Network => new KernelNetwork()
