// The builder's constructs, to the first that does otherwise.

import { Kernel } from '../../constructs/construct.ts'
import { constructs } from '../../constructs/constructs.ts'
import { report } from './noticed.ts'

report(() => {
  for (const { name, run } of constructs) {
    using kernel = new Kernel()
    try {
      run(kernel)
    } catch (error) {
      if (error instanceof Error) error.message = `${name}: ${error.message}`
      throw error
    }
  }
})
