declare global {
  // As in TypeScript's own `esnext.disposable`, with which it merges: an app need not have that library.
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol
  }
}

/** `Symbol.asyncDispose`, or where the browser has none what compilers put in its place for `await using`. */
export const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')
