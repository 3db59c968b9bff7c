/*
 * What only Node can do for a case: measure the heap of this page, press keys as a user would, collect garbage.
 */

/** The functions that Node puts on the window. */
declare global {
  interface Window {
    benchHeapBytes?(): Promise<number>
    benchTypeKeys?(count: number, perSecond: number): Promise<void>
    gc?(): void
  }
}

/** Gives the bytes in use on this page's heap, after garbage was collected. Workers have heaps of their own. */
export async function heapBytes(): Promise<number> {
  if (!window.benchHeapBytes) throw new Error('the heap is measured by bench/run.mjs alone')
  return window.benchHeapBytes()
}

/** Presses keys in the focused element, through the browser's own input queue; resolves after the last. */
export async function typeKeys(count: number, perSecond: number): Promise<void> {
  if (!window.benchTypeKeys) throw new Error('keys are pressed by bench/run.mjs alone')
  await window.benchTypeKeys(count, perSecond)
}

/** Collects garbage now, so that a sample does not pay for what was done before it. */
export function collectGarbage(): void {
  window.gc?.()
}
