import { autorun } from 'mobx'
import type { RowApp } from './apps.js'

/** Runs `read` now and whenever what it has read of the app's rows changes. Gives its disposer. */
export function watch(app: RowApp, read: () => void): () => void {
  if (!app.subscribe) return autorun(read)
  read()
  return app.subscribe(read)
}

/** Resolves as soon as the page shows what `isThere` waits for. */
export function shown(app: RowApp, isThere: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    let stop: (() => void) | undefined
    let there = false
    stop = watch(app, () => {
      there ||= isThere()
      if (!there) return
      stop?.()
      resolve()
    })
    if (there) stop()
  })
}
