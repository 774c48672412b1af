// The error of a kernel that lacks something: which feature, and the version that has it. Distributions carry
// features back and leave them out, so the version is advice; what decides is always a probe or the kernel's refusal.

import { TenbinError } from '../base/errors.ts'

/** NotSupported: `feature` is missing here; `minimumKernel` ("6.1") has it, if it is built with it. */
export class NotSupported extends TenbinError {
  readonly feature: string
  readonly minimumKernel: string

  constructor(feature: string, minimumKernel: string, { cause }: { readonly cause?: unknown } = {}) {
    super('NOT_SUPPORTED', 'use the kernel', {
      cause,
      detail: `this kernel has no ${feature}; Linux ${minimumKernel} has, where it is built in`,
    })
    this.feature = feature
    this.minimumKernel = minimumKernel
  }
}
