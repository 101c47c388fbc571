// Talks over one WebSocket, and opens another one when it is lost: at once, then after up to 5 s.
const { searchParams } = new URL(location.href)
const name = searchParams.get('name') || `guest ${Math.floor(Math.random() * 1000)}`
const room = searchParams.get('room') || 'lobby'
const list = document.querySelector('#said')
const state = document.querySelector('#state')
let socket
let delay = 0

connect()
document.querySelector('#say').addEventListener('submit', event => {
  event.preventDefault()
  const { text } = event.target.elements
  if (socket.readyState !== WebSocket.OPEN) return // what was typed stays until there is a connection
  socket.send(JSON.stringify({ text: text.value }))
  text.value = ''
})

function connect() {
  const url = new URL(`/rooms/${encodeURIComponent(room)}?name=${encodeURIComponent(name)}`, location.href)
  url.protocol = url.protocol.replace('http', 'ws')
  socket = new WebSocket(url)
  socket.addEventListener('message', ({ data }) => show(JSON.parse(data)))
  socket.addEventListener('close', () => {
    state.textContent = 'connecting again …'
    setTimeout(connect, delay)
    delay = Math.min(Math.max(100, 2 * delay), 5000)
  })
}

function show(message) {
  if (message.kind === 'welcome') {
    delay = 0
    state.textContent = `in ${message.room}`
    document.body.dataset.process = message.process
  } else {
    const line = document.createElement('li')
    line.textContent =
      message.kind === 'said' ? `${message.name}: ${message.text}` : 'Something may be missing here.'
    line.className = message.kind
    list.append(line)
  }
}
