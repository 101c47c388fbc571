"""The server that Allium's ways come from, speaking to the bench as Node's own processes do: JSON lines over a socket."""

import asyncio
import json
import os
import resource
import sys

from aiohttp import web

RESOURCES = (
    "accounts addresses albums articles comments customers devices events files groups "
    "invoices messages orders products projects reports tickets users"
).split()


async def hello(request):
    return web.Response(text="Hello, world!")


async def echo(request):
    return web.json_response(await request.json(), dumps=lambda value: json.dumps(value, separators=(",", ":")))


async def slow(request):
    await asyncio.sleep(0.1)
    return web.Response(text="at last")


def build_api():
    def pass_on():
        @web.middleware
        async def middleware(request, handler):
            return await handler(request)

        return middleware

    def labelled(label):
        async def handler(request):
            return web.Response(text=f"{label} {request.match_info.get('id')}")

        return handler

    app = web.Application(middlewares=[pass_on() for _ in range(5)])
    for name in RESOURCES:
        handler = labelled(name[:-1])
        app.router.add_get(f"/api/{name}", handler, allow_head=False)
        app.router.add_get(f"/api/{name}/{{id}}", handler, allow_head=False)
        app.router.add_post(f"/api/{name}", handler)
        app.router.add_put(f"/api/{name}/{{id}}", handler)
    return app


def build(scenario):
    if scenario == "params":
        return build_api()
    app = web.Application()
    routes = {"hello": web.get("/", hello), "json": web.post("/echo", echo), "slow": web.get("/slow", slow)}
    app.add_routes([routes[scenario]])
    return app


async def main():
    runner = web.AppRunner(build(sys.argv[1]), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    channel = int(os.environ["NODE_CHANNEL_FD"])

    def send(message):
        os.write(channel, (json.dumps(message) + "\n").encode())

    def answer():
        if not os.read(channel, 4096):
            os._exit(0)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        cpu = round((usage.ru_utime + usage.ru_stime) * 1e6)
        send({"kind": "usage", "cpu": cpu, "peakMemory": usage.ru_maxrss * 1024})

    asyncio.get_running_loop().add_reader(channel, answer)
    send({"kind": "listening", "port": site._server.sockets[0].getsockname()[1]})
    await asyncio.Event().wait()


asyncio.run(main())
