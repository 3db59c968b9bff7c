/*
 * What the library sets itself, and how far it is from it.
 */

/**
 * @typedef {import('./results.mjs').Entry} Entry
 * @typedef {{ readonly what: string, readonly wanted: string, readonly measured: string, readonly met: boolean }} Verdict
 */

const OURS = 'Leasehold'
/** What browsers call a long task. */
const LONG_TASK_MS = 50
const FLOOR_CALLS = 'floor: two bare Comlink calls'
const FLOOR_ONE_BY_ONE = 'floor: one round trip after another'
const FLOOR_POST = 'floor: bare postMessage'
const DEEP = 'Comlink + MobX deep, by hand'
const ZUSTAND_PERSIST = 'Zustand persist on idb-keyval'

/**
 * Judges the entries that are there.
 *
 * @param {readonly Entry[]} entries
 * @returns {Verdict[]}
 */
export function judge(entries) {
  /** @type {Verdict[]} */
  const verdicts = []
  /** @param {string} name @param {string} variant @param {string} metric @param {string} contestant */
  const median = (name, variant, metric, contestant) =>
    entries.find((entry) => entry.case === name && entry.variant === variant && entry.metric === metric)?.contestants[
      contestant
    ]?.median
  /**
   * @param {string} what
   * @param {number | undefined} value
   * @param {'≤' | '≥' | '<'} order
   * @param {number} limit
   * @param {string} unit
   */
  const add = (what, value, order, limit, unit) => {
    if (value === undefined || Number.isNaN(value)) return
    const met = order === '≥' ? value >= limit : order === '<' ? value < limit : value <= limit
    verdicts.push({ what, wanted: `${order} ${limit}${unit}`, measured: `${value.toPrecision(3)}${unit}`, met })
  }
  /**
   * @param {string} name @param {string} variant @param {string} metric
   * @param {string} ours @param {string} theirs
   */
  const times = (name, variant, metric, ours, theirs) => {
    const [a, b] = [median(name, variant, metric, ours), median(name, variant, metric, theirs)]
    return a === undefined || b === undefined ? undefined : a / b
  }

  const call = times('round-trip', 'one field', 'time', OURS, FLOOR_CALLS)
  add('a lease round trip, against two bare Comlink calls', call, '≤', 1.25, ' ×')
  const one = times('leases-per-second', 'one task', 'rate', OURS, FLOOR_CALLS)
  add('leases a second by one task, against the floor', one, '≥', 0.8, ' ×')
  // Exclusive leases follow each other. The floor's own eight tasks overlap and exclude nobody: the table has that ratio.
  const eight = times('leases-per-second', 'eight tasks on two workers', 'rate', OURS, FLOOR_ONE_BY_ONE)
  add(
    'leases a second by eight tasks on two workers, against round trips of the floor one after another',
    eight,
    '≥',
    0.8,
    ' ×',
  )
  add(
    'an event, against `runInAction`',
    times('one-event', 'one field', 'time', OURS, 'MobX runInAction'),
    '≤',
    3,
    ' ×',
  )
  add(
    'an event, against Immer + Zustand',
    times('one-event', 'one field', 'time', OURS, 'Immer + Zustand'),
    '<',
    1,
    ' ×',
  )

  /** @param {string} container @param {string} metric @param {string} ours */
  const growth = (container, metric, ours) => {
    const large = median(`flat-${container}`, '1,000,000', metric, ours)
    const small = median(`flat-${container}`, '100', metric, ours)
    return large === undefined || small === undefined ? undefined : large / small
  }
  for (const container of ['list', 'record', 'map']) {
    const what = `one field in a ${container} of 1,000,000 entries, against 100`
    for (const ours of ['Leasehold, an event', 'Leasehold, a lease']) {
      add(`${what}: ${ours}`, growth(container, 'time', ours), '≤', 1.5, ' ×')
    }
    add(`${what}: bytes of a lease`, growth(container, 'bytes sent', 'Leasehold, a lease'), '≤', 1.05, ' ×')
  }

  const block = median('landing', '100,000', 'longest block', OURS)
  add('landing 100,000 rows: the longest block', block, '≤', 16, ' ms')
  const total = times('landing', '100,000', 'total', OURS, FLOOR_POST)
  add('landing 100,000 rows: in all, against one bare postMessage', total, '≤', 1.3, ' ×')
  const less = times('landing', '100,000', 'longest block', DEEP, OURS)
  add('landing 100,000 rows: how many times longer deep MobX blocks', less, '≥', 30, ' ×')

  const million = median('landing', '1,000,000', 'longest block', OURS)
  add('landing 1,000,000 rows: the longest block', million, '<', LONG_TASK_MS, ' ms')
  const behind = median('catch-up', '100,000', 'longest block', OURS)
  add('a new worker catches up with 100,000 rows: the longest block', behind, '<', LONG_TASK_MS, ' ms')

  const written = median('field-writes', '100,000', 'longest block', OURS)
  add('100,000 field writes: the longest block', written, '<', LONG_TASK_MS, ' ms')
  const writes = times('field-writes', '100,000', 'total', OURS, 'Comlink + Mutative patches, by hand')
  add('100,000 field writes, against Mutative patches', writes, '≤', 0.5, ' ×')
  add(
    'memory, unobserved, against plain rows',
    times('memory', 'unobserved', 'heap', OURS, FLOOR_POST),
    '≤',
    1.15,
    ' ×',
  )
  for (const variant of ['all observed, by one reaction', 'all observed, by a reaction for each row']) {
    add(`memory, ${variant}, against deep MobX`, times('memory', variant, 'heap', OURS, DEEP), '≤', 0.6, ' ×')
  }
  const stored = median('persist', '100,000', 'longest block', OURS)
  add('one changed row of 100,000, stored: the longest block', stored, '≤', 16, ' ms')
  const bytes = times('persist', '100,000', 'bytes written', OURS, ZUSTAND_PERSIST)
  add('one changed row of 100,000, stored: bytes, against Zustand persist', bytes, '≤', 0.01, ' ×')
  const storing = times('persist', '100,000', 'total', OURS, ZUSTAND_PERSIST)
  add('one changed row of 100,000, stored: in all, against Zustand persist', storing, '≤', 0.25, ' ×')
  return verdicts
}
