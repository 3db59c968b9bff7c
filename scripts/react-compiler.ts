import { transformAsync } from '@babel/core'
import type { Plugin } from 'vite'

/**
 * Compiles the components and hooks of the tests as the React Compiler would compile an app's. What it writes is counted: a
 * transform that does nothing fails the tests that rely on it.
 */
export function reactCompiler(): Plugin {
  return {
    name: 'react-compiler',
    enforce: 'pre',
    async transform(code, id) {
      if (!/\/lib\/.*\.tsx$/.test(id)) return undefined
      const result = await transformAsync(code, {
        filename: id,
        babelrc: false,
        configFile: false,
        sourceMaps: true,
        parserOpts: { plugins: ['typescript', 'jsx'] },
        plugins: [['babel-plugin-react-compiler', { panicThreshold: 'none' }]],
      })
      return result?.code == null ? undefined : { code: result.code, map: result.map ?? null }
    },
  }
}
