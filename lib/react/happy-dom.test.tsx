// @vitest-environment happy-dom

/* X7: the tests of the hooks once more, in the other DOM for Node. */
import './use-field.test.js'
import './use-task.test.js'
import './use-value.test.js'
