"""Echoes WebSocket messages with aiohttp, without compression, and reports like the other servers."""

import asyncio
import json
import os
import resource
import socket

from aiohttp import WSMsgType, web

CHANNEL = int(os.environ['NODE_CHANNEL_FD'])


async def echo(request):
    answer = web.WebSocketResponse(compress=False, heartbeat=30)
    await answer.prepare(request)
    async for message in answer:
        if message.type == WSMsgType.TEXT:
            await answer.send_str(message.data)
        elif message.type == WSMsgType.BINARY:
            await answer.send_bytes(message.data)
    return answer


def send(message):
    os.write(CHANNEL, (json.dumps(message) + '\n').encode())


def read_channel():
    data = os.read(CHANNEL, 65536)
    if not data:
        os._exit(0)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    for line in data.splitlines():
        if json.loads(line) == 'usage':
            cpu = round((usage.ru_utime + usage.ru_stime) * 1e6)
            send({'kind': 'usage', 'cpu': cpu, 'peakMemory': usage.ru_maxrss * 1024})


async def main():
    app = web.Application()
    app.router.add_get('/', echo)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listener = socket.create_server(('127.0.0.1', 0), backlog=1024)
    await web.SockSite(runner, listener).start()
    asyncio.get_running_loop().add_reader(CHANNEL, read_channel)
    send({'kind': 'listening', 'port': listener.getsockname()[1]})
    await asyncio.Event().wait()


asyncio.run(main())
