/*
 * For pages that are served with `require-trusted-types-for 'script'`: lets the page make workers from scripts of its own
 * origin, as `new Worker(new URL(…))` asks for, and nothing else.
 */

interface PolicyFactory {
  createPolicy(name: 'default', rules: { createScriptURL(url: string): string }): unknown
}

/** To be called before the first worker is made. Does nothing where there are no Trusted Types. */
export function allowOwnScripts(): void {
  const { trustedTypes } = globalThis as { readonly trustedTypes?: PolicyFactory }
  trustedTypes?.createPolicy('default', {
    createScriptURL(url) {
      if (new URL(url, location.href).origin !== location.origin) throw new TypeError(`Not of this origin: ${url}`)
      return url
    },
  })
}
