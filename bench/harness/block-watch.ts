/** How long nothing else could run on this thread, while it was watched. */
export interface BlockWatch {
  /** Ends the watch and gives the longest block in milliseconds. */
  stop(): number
}

/**
 * Watches for blocks by a heartbeat: a message to ourselves that is answered by the next one. Finer than the long tasks of
 * the browser, which begin at 50 ms, and blind to none: what lies between two beats is one block, whatever it was.
 */
export function watchBlocks(): BlockWatch {
  const { port1, port2 } = new MessageChannel()
  let last = performance.now()
  let longest = 0
  const beat = () => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
  }
  port1.onmessage = () => {
    beat()
    port2.postMessage(0)
  }
  port2.postMessage(0)
  return {
    stop() {
      beat()
      port1.close()
      port2.close()
      return longest
    },
  }
}

/** Lets everything run that is waiting on this thread: two turns of messages. */
export async function turn(): Promise<void> {
  for (let count = 0; count < 2; count += 1) {
    await new Promise<void>((resolve) => {
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => {
        port1.close()
        resolve()
      }
      port2.postMessage(0)
    })
  }
}
