// Rates and sizes as people write them: `10000/s`, `64MiB`. A number without its unit is refused, as with durations: nobody
// remembers whose default it was.

const units = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const

/** RATE_PATTERN, SIZE_PATTERN: for editors. */
export const RATE_PATTERN = '[1-9]\\d*/s'
export const SIZE_PATTERN = '[1-9]\\d*(KiB|MiB|GiB)'

/** tryRate reads `10000/s` as 10000; undefined: it is no whole number a second. */
export function tryRate(text: string): number | undefined {
  const digits = /^([1-9]\d{0,9})\/s$/.exec(text)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** formatRate writes 10000/s. */
export const formatRate = (perSecond: number): string => `${perSecond}/s`

/** trySize reads `64MiB` as bytes; undefined: it is no such size. */
export function trySize(text: string): number | undefined {
  const [, digits, unit] = /^([1-9]\d{0,9})(KiB|MiB|GiB)$/.exec(text) ?? []
  return digits === undefined ? undefined : Number(digits) * units[unit as keyof typeof units]
}

/** formatSize writes whole bytes in the largest unit that holds them whole. */
export function formatSize(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB'] as const)
    if (bytes !== 0 && bytes % units[unit] === 0) return `${bytes / units[unit]}${unit}`
  return `${bytes} bytes`
}
