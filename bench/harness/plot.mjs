/*
 * Draws a scaling case: a line for each contestant over the sizes, both axes logarithmic. Plain SVG, no library.
 */
import { formatNumber } from './format.mjs'

const WIDTH = 860
const HEIGHT = 420
const PLOT = { left: 78, right: 540, top: 46, bottom: 360 }
/** Apart in lightness as well as in hue; the first one is ours. */
const COLORS = ['#0b5fff', '#6b7280', '#d9480f', '#e6a817', '#2b8a3e', '#9c36b5', '#c2255c', '#0c8599']

/**
 * @typedef {{ readonly x: number, readonly y: number }} Point
 * @typedef {{ readonly name: string, readonly points: readonly Point[] }} Line
 */

/** @param {string} text */
function escapeText(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

/** @param {number} value */
const below = (value) => 10 ** Math.floor(Math.log10(value))
/** @param {number} value */
const above = (value) => 10 ** Math.ceil(Math.log10(value))

/** @param {number} from @param {number} to */
function powers(from, to) {
  const steps = Math.round(Math.log10(to / from))
  return Array.from({ length: steps + 1 }, (_, step) => from * 10 ** step)
}

/** @param {number} from @param {number} to @param {number} start @param {number} end */
function scale(from, to, start, end) {
  const span = Math.log10(to / from) || 1
  return (/** @type {number} */ value) => start + (Math.log10(value / from) / span) * (end - start)
}

/**
 * Keeps the names at the ends of the lines from lying on each other.
 *
 * @param {readonly number[]} wanted sorted
 */
function spread(wanted) {
  /** @type {number[]} */
  const placed = []
  for (const y of wanted) placed.push(Math.max(y, (placed.at(-1) ?? Number.NEGATIVE_INFINITY) + 15))
  const excess = Math.max(0, (placed.at(-1) ?? 0) - PLOT.bottom)
  return placed.map((y) => y - excess)
}

/**
 * @param {{ readonly title: string, readonly unit: string, readonly lines: readonly Line[] }} plot
 * @returns {string} an SVG document
 */
export function drawPlot({ title, unit, lines }) {
  const points = lines.flatMap((line) => line.points)
  const xs = points.map(({ x }) => x)
  const ys = points.map(({ y }) => y)
  const [left, right] = [below(Math.min(...xs)), above(Math.max(...xs))]
  const [low, high] = [below(Math.min(...ys)), above(Math.max(...ys))]
  const x = scale(left, right, PLOT.left, PLOT.right)
  const y = scale(low, high, PLOT.bottom, PLOT.top)
  const colors = lines.map((_, index) => COLORS[index % COLORS.length] ?? '#000')

  const grid = powers(low, high).map(
    (value) =>
      `<line x1="${PLOT.left}" x2="${PLOT.right}" y1="${y(value)}" y2="${y(value)}" stroke="#e5e7eb"/>` +
      `<text x="${PLOT.left - 8}" y="${y(value) + 4}" text-anchor="end">${formatNumber(value)}</text>`,
  )
  const ticks = powers(left, right).map(
    (value) =>
      `<line x1="${x(value)}" x2="${x(value)}" y1="${PLOT.bottom}" y2="${PLOT.bottom + 5}" stroke="#9ca3af"/>` +
      `<text x="${x(value)}" y="${PLOT.bottom + 20}" text-anchor="middle">${formatNumber(value)}</text>`,
  )
  const drawn = lines.map(({ name, points: through }, index) => {
    const path = through.map((point) => `${x(point.x).toFixed(1)},${y(point.y).toFixed(1)}`).join(' ')
    const stroke = `stroke="${colors[index]}" stroke-width="${name.startsWith('Leasehold') ? 3.5 : 1.75}"`
    const dashes = name.startsWith('floor') ? ' stroke-dasharray="6 4"' : ''
    const dots = through.map(
      (point) => `<circle cx="${x(point.x).toFixed(1)}" cy="${y(point.y).toFixed(1)}" r="3" fill="${colors[index]}"/>`,
    )
    return `<polyline points="${path}" fill="none" ${stroke}${dashes}/>${dots.join('')}`
  })
  const ends = lines
    .map(({ name, points: through }, index) => ({ name, index, end: through.at(-1) }))
    .flatMap(({ name, index, end }) => (end ? [{ name, index, end, at: y(end.y) }] : []))
    .sort((a, b) => a.at - b.at)
  const heights = spread(ends.map(({ at }) => at))
  const names = ends.map(({ name, index, end, at }, rank) => {
    const height = heights[rank] ?? at
    const color = colors[index]
    const leader = `<line x1="${x(end.x) + 5}" y1="${at}" x2="${PLOT.right + 18}" y2="${height}" stroke="${color}" stroke-width="0.75"/>`
    return `${leader}<text x="${PLOT.right + 22}" y="${height + 4}" fill="${color}">${escapeText(name)}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12" fill="#374151" role="img">
<title>${escapeText(title)}</title>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<text x="16" y="24" font-size="15" font-weight="600" fill="#111827">${escapeText(title)}</text>
${[...grid, ...ticks, ...drawn, ...names].join('\n')}
<text x="16" y="${PLOT.top - 6}" font-size="11">${escapeText(unit)}</text>
<text x="${(PLOT.left + PLOT.right) / 2}" y="${PLOT.bottom + 42}" text-anchor="middle">entries or rows (both axes logarithmic)</text>
</svg>
`
}
