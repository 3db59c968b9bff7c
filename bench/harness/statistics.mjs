/*
 * Medians and what they are worth. Plain JavaScript: the page and Node both use it.
 */

/** @typedef {{ readonly median: number, readonly p95: number, readonly n: number }} Summary */

/** @param {readonly number[]} values */
function sort(values) {
  return [...values].sort((a, b) => a - b)
}

/**
 * Gives the value below which a share of the sorted values lies, between neighbours by their distance.
 *
 * @param {readonly number[]} sorted
 * @param {number} share
 */
export function quantile(sorted, share) {
  const position = (sorted.length - 1) * share
  const below = Math.floor(position)
  const low = sorted[below] ?? Number.NaN
  const high = sorted[below + 1] ?? low
  return low + (high - low) * (position - below)
}

/**
 * @param {readonly number[]} values
 * @returns {Summary}
 */
export function summarize(values) {
  const sorted = sort(values)
  return { median: quantile(sorted, 0.5), p95: quantile(sorted, 0.95), n: sorted.length }
}

/**
 * Says whether the median stands still: whether its 95 % interval, read off the order of the values and so without any
 * assumption about their distribution, is narrower than `tolerance` of it.
 *
 * @param {readonly number[]} values
 * @param {number} tolerance
 */
export function isSettled(values, tolerance) {
  const sorted = sort(values)
  const half = 0.98 * Math.sqrt(sorted.length)
  const low = sorted[Math.floor(sorted.length / 2 - half)]
  const high = sorted[Math.ceil(sorted.length / 2 + half)]
  if (low === undefined || high === undefined) return false
  return high - low <= tolerance * Math.abs(quantile(sorted, 0.5))
}
