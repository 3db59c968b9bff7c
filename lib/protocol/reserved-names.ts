/** What `await`, consoles, test frameworks and views ask any object for. Some call what they find. */
const asked: ReadonlySet<string> = new Set([
  'then',
  'toJSON',
  'asymmetricMatch',
  'nodeType',
  'nodeName',
  'tagName',
  'hasAttribute',
])

/**
 * True for the names that no task may have: `store.tasks` gives something else for them, or nothing. Also for names such as
 * `$$typeof`, `__v_isRef` and `@@iterator`, and for those that every object has.
 */
export function isReservedName(name: string): boolean {
  return asked.has(name) || name === 'with' || /^(\$\$|__|@@)/.test(name) || name in Object.prototype
}
