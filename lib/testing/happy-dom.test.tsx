// @vitest-environment happy-dom

/* X7: the component tests once more, in the other DOM for Node. */
import './component.test.js'
