import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { CounterPanel } from './counter-panel.js'
import { QuotePanel } from './quote-panel.js'
import { TodosPanel } from './todos-panel.js'
import { allowOwnScripts } from './trusted-types.js'
import { WritersPanel } from './writers-panel.js'

allowOwnScripts()

const root = document.getElementById('root')
if (root === null) throw new Error('The page has no element #root.')

createRoot(root).render(
  <StrictMode>
    <CounterPanel />
    <QuotePanel />
    <WritersPanel />
    <TodosPanel />
  </StrictMode>,
)
