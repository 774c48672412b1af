// Times for people: of this machine's time of day, with the date where it is not today.

/** clockText of an ISO time: `12:03:04`, or `2024-01-02 12:03:04`. */
export function clockText(iso: string, now = new Date()): string {
  const at = new Date(iso)
  const clock = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':')
  return dayText(at) === dayText(now) ? clock : `${dayText(at)} ${clock}`
}

const dayText = (date: Date): string =>
  `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`

const two = (value: number): string => String(value).padStart(2, '0')
