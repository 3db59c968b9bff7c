const kept: object[] = []

/**
 * Keeps objects alive for nothing but their shape: one of each class of which there is often none. An engine that collects garbage
 * forgets the hidden classes of which no object is alive, and throws the code away that it has compiled for them; so what every event
 * makes and drops would be slow again after each collection. (V8 calls them maps, and deoptimizes for "weak objects".)
 * @param specimens to be made when a module loads, never for a store
 */
export function keepShape(...specimens: readonly object[]): void {
  kept.push(...specimens)
}
