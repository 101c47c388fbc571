const form = document.querySelector('#upload')
const list = document.querySelector('#files')
const state = document.querySelector('#state')

form.addEventListener('submit', async event => {
  event.preventDefault()
  const response = await fetch('/files', { method: 'POST', body: new FormData(form) })
  state.textContent = response.ok ? 'shared' : `refused: ${response.status}`
})

new EventSource('/arrivals').addEventListener('message', ({ data }) => {
  const { id, name, size } = JSON.parse(data)
  const link = Object.assign(document.createElement('a'), { href: `/files/${id}`, textContent: name })
  const item = document.createElement('li')
  item.append(link, ` ${size} bytes`)
  list.append(item)
})
