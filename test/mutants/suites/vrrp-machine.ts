// The stories of the VRRP machine, of one virtual router and of a group, to the first line that goes otherwise.

import { groupStories, tellGroup } from '../../vrrp/group-stories.ts'
import { stories, tell } from '../../vrrp/machine-stories.ts'

/** run throws at the first difference. */
export function run(): void {
  for (const story of stories) tell(story)
  for (const story of groupStories) tellGroup(story)
}
