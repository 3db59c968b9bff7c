/**
 * Calls `leave` when the page is hidden or left: the last moments in which a write that is begun is finished. Never on
 * `unload`, which keeps a page out of the back/forward cache. Gives a disposer.
 */
export function onLeave(leave: () => void): () => void {
  if (typeof document === 'undefined') return () => {}
  const hidden = () => {
    if (document.visibilityState === 'hidden') leave()
  }
  document.addEventListener('visibilitychange', hidden)
  addEventListener('pagehide', leave)
  return () => {
    document.removeEventListener('visibilitychange', hidden)
    removeEventListener('pagehide', leave)
  }
}
