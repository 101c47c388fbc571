import { BODY } from './apps.ts'
import { cycles } from './cycles.ts'
import { requests } from './requests.ts'
import type { InMemoryScenario } from './subject.ts'
import { webSockets } from './web-sockets.ts'

const INJECTED = 'light-my-request, bare handler'

export const scenarios: readonly InMemoryScenario[] = [
  { title: 'GET of a short text', answer: 'hello', base: INJECTED, subjects: requests('GET') },
  {
    title: 'POST of JSON that comes back',
    answer: JSON.stringify(BODY),
    base: INJECTED,
    subjects: requests('POST'),
  },
  { title: 'Whole test: make, request, close', answer: 'hello', base: INJECTED, subjects: cycles },
  { title: 'WebSocket: open, echo, close', answer: 'hello', base: 'ws on a port', subjects: webSockets },
]
