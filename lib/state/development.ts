declare const process: { readonly env: { readonly NODE_ENV?: string } }

/** True unless the bundler says production: freezing, warnings and checks that cost time depend on it. */
export const development: boolean = inDevelopment()

function inDevelopment(): boolean {
  try {
    // Bundlers replace the expression; a browser without one has no `process`, and is somebody trying things out.
    return process.env.NODE_ENV !== 'production'
  } catch {
    return true
  }
}

const warned = new Set<string>()

/** Warns once for each text, in development only. */
export function warnOnce(text: string): void {
  if (!development || warned.has(text)) return
  warned.add(text)
  console.warn(`[leasehold] ${text}`)
}
