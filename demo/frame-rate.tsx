import type { ReactNode } from 'react'
import { useEffect, useState } from 'react'

const WINDOW_MS = 500

/** How many frames the page shows in a second: what a task that ran on the page would cost. */
export function FrameRate(): ReactNode {
  const [rate, setRate] = useState<number>()
  useEffect(() => {
    let frames = 0
    let since = performance.now()
    const count = (now: number) => {
      frames += 1
      if (now - since >= WINDOW_MS) {
        setRate(Math.round((frames * 1000) / (now - since)))
        frames = 0
        since = now
      }
      next = requestAnimationFrame(count)
    }
    let next = requestAnimationFrame(count)
    return () => cancelAnimationFrame(next)
  }, [])
  return (
    <span className="rate" data-testid="frame-rate">
      {rate ?? '–'} frames/s
    </span>
  )
}
