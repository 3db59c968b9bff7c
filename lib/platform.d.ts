/**
 * The platform that page, worker and Node share, as far as `lib/state` and `lib/protocol` may use it.
 *
 * - Seen by tsconfig.shared.json alone: every other project has the real DOM or WebWorker library.
 * - A global that is missing here is a type error in shared code. Add one only if all three platforms have it.
 * - Shapes are the smallest that shared code needs, and each is a supertype of the real one.
 */

interface EventTarget {
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: { once?: boolean; signal?: AbortSignal },
  ): void
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject): void
}
interface Event {
  readonly type: string
}
interface MessageEvent<T = any> extends Event {
  readonly data: T
  readonly ports: readonly MessagePort[]
}
type EventListenerOrEventListenerObject = ((event: any) => void) | { handleEvent(event: any): void }

type Transferable = ArrayBuffer | MessagePort
interface StructuredSerializeOptions {
  transfer?: Transferable[]
}
declare function structuredClone<T>(value: T, options?: StructuredSerializeOptions): T

interface MessagePort extends EventTarget {
  onmessage: ((event: MessageEvent) => void) | null
  onmessageerror: ((event: MessageEvent) => void) | null
  postMessage(message: any, transfer: Transferable[]): void
  postMessage(message: any, options?: StructuredSerializeOptions): void
  start(): void
  close(): void
}
declare var MessagePort: { readonly prototype: MessagePort }
declare var MessageChannel: { new (): { readonly port1: MessagePort; readonly port2: MessagePort } }

interface AbortSignal extends EventTarget {
  readonly aborted: boolean
  readonly reason: any
  throwIfAborted(): void
}
interface AbortController {
  readonly signal: AbortSignal
  abort(reason?: any): void
}
declare var AbortController: { new (): AbortController }
declare var DOMException: {
  new (message?: string, name?: string): Error & { readonly code: number }
  readonly prototype: Error
}

interface Blob {
  readonly size: number
  readonly type: string
}
declare var Blob: { new (parts?: readonly unknown[], options?: { type?: string }): Blob; readonly prototype: Blob }
interface File extends Blob {
  readonly name: string
  readonly lastModified: number
}

declare function setTimeout(callback: () => void, ms?: number): number
declare function clearTimeout(id: number | undefined): void
declare function queueMicrotask(callback: () => void): void
declare const performance: { now(): number; readonly timeOrigin: number }
declare const console: {
  error(...data: unknown[]): void
  warn(...data: unknown[]): void
}
