const me = await (await fetch('/me')).json()

fill(
  'messages',
  me.messages.map(({ text }) => text),
)
if (me.name === undefined) show('sign-in')
else await showVisitor()

async function showVisitor() {
  find('name').textContent = me.name
  find('visits').textContent = me.visits
  const devices = await (await fetch('/devices')).json()
  fill(
    'devices',
    devices.map(
      ({ lastSeenAt, isThis }) =>
        `${isThis ? 'This device' : 'Another device'}, last seen ${new Date(lastSeenAt).toLocaleString()}`,
    ),
  )
  show('signed-in')
  const socket = new WebSocket('/presence')
  socket.onopen = () => (document.body.dataset.presence = 'open')
  socket.onclose = ({ code }) => {
    document.body.dataset.presence = code
    if (code !== 1008) return
    find('signed-in').hidden = true
    show('sign-in')
    fill('messages', ['You were signed out elsewhere'])
  }
}

function fill(id, texts) {
  find(id).replaceChildren(
    ...texts.map(text => Object.assign(document.createElement('li'), { textContent: text })),
  )
}

function show(id) {
  find(id).hidden = false
}

function find(id) {
  return document.getElementById(id)
}
