/**
 * A lock for tasks of workers, as an app would make it by hand: a queue of promises on the page. A worker that dies while it
 * has the lock keeps it for ever, and a task that throws has to give it back itself.
 */
export class Lock {
  #tail: Promise<void> = Promise.resolve()
  #release: () => void = () => {}

  async take(): Promise<void> {
    const before = this.#tail
    let release = () => {}
    this.#tail = new Promise((resolve) => {
      release = resolve
    })
    await before
    this.#release = release
  }

  give(): void {
    this.#release()
  }
}
