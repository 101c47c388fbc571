const RESOURCES = [
  ...['accounts', 'addresses', 'albums', 'articles', 'comments', 'customers'],
  ...['devices', 'events', 'files', 'groups', 'invoices', 'messages'],
  ...['orders', 'products', 'projects', 'reports', 'tickets', 'users'],
]

/** A route of the API that the `params` scenario puts the measured route among. */
export interface ApiRoute {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly path: string
  /** What the route says when it is asked about an id. */
  readonly label: string
}

/** 72 routes; `GET /api/files/:id` is the 34th. */
export const apiRoutes: readonly ApiRoute[] = RESOURCES.flatMap(resource => {
  const label = resource.slice(0, -1)
  return [
    { method: 'GET', path: `/api/${resource}`, label },
    { method: 'GET', path: `/api/${resource}/:id`, label },
    { method: 'POST', path: `/api/${resource}`, label },
    { method: 'PUT', path: `/api/${resource}/:id`, label },
  ] as const
})
