// The builder's constructs, to the first that does otherwise.

import { Kernel } from '../../constructs/construct.ts'
import { constructs } from '../../constructs/constructs.ts'

/** run throws at the first difference. */
export function run(): void {
  for (const construct of constructs) {
    using kernel = new Kernel()
    try {
      construct.run(kernel)
    } catch (error) {
      if (error instanceof Error) error.message = `${construct.name}: ${error.message}`
      throw error
    }
  }
}
