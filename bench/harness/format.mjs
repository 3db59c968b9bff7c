/**
 * Writes a number as people read it: three digits that count, and thousands apart.
 *
 * @param {number} value
 */
export function formatNumber(value) {
  if (value === 0) return '0'
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
  return value.toLocaleString('en', { minimumFractionDigits: 0, maximumFractionDigits: Math.min(digits, 3) })
}
