"""Counters in the memory of one process, for any ASGI server; knows no other path."""
import json
import os

counts = {}


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    parts, status, answer = scope["path"].split("/"), 404, {}
    if scope["method"] == "POST" and parts[3:] == ["method", "add"]:
        counts[parts[2]] = counts.get(parts[2], 0) + 1
        epoch = int(dict(scope["headers"])[b"ringside-epoch"])
        status, answer = 200, {"count": counts[parts[2]], "epoch": epoch, "pid": os.getpid()}
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})
