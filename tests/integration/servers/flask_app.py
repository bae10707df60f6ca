"""Counters in the memory of one Flask process: flask_app.py PORT (Flask's own server), or flask_app:app under gunicorn."""
import json
import os
import sys
import threading

import flask

app = flask.Flask(__name__)
counts, lock = {}, threading.Lock()


@app.post("/actors/<actor>/method/add")
def add(actor):
    with lock:
        counts[actor] = counts.get(actor, 0) + 1
        return {"count": counts[actor], "epoch": int(flask.request.headers["ringside-epoch"]), "pid": os.getpid()}


@app.post("/actors/<actor>/method/slash/")
def slash(actor):
    return flask.Response(json.dumps({"actor": actor}), mimetype="application/json")


if __name__ == "__main__":
    app.run("127.0.0.1", int(sys.argv[1]))
