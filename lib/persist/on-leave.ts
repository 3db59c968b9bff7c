/**
 * Tells when the page is hidden or left: the last moments in which a write that is begun is finished. Never on `unload`, which
 * keeps a page out of the back/forward cache.
 * @param leave is told whether the page goes, or is only hidden
 * @returns a disposer
 */
export function onLeave(leave: (goes: boolean) => void): () => void {
  if (typeof document === 'undefined') return () => {}
  const hidden = () => {
    if (document.visibilityState === 'hidden') leave(false)
  }
  const gone = () => leave(true)
  document.addEventListener('visibilitychange', hidden)
  addEventListener('pagehide', gone)
  return () => {
    document.removeEventListener('visibilitychange', hidden)
    removeEventListener('pagehide', gone)
  }
}
