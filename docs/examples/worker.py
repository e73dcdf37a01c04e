#!/usr/bin/env python3
"""A Carillon worker in plain Python: nothing but the standard library (3.9 or newer).

    CARILLON_URL=http://localhost:8080 CARILLON_TENANT=acme CARILLON_KEY=sk_acme_... python3 worker.py

It registers, takes runs by long poll, works on each in a thread that beats for it, and says what became of it.
SIGTERM or Ctrl-C: it takes nothing more, finishes what it has, and ends. The protocol is told in docs/workers.md.
"""

import json
import os
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor

SLOTS = 4
WAIT_SECONDS = 20


class Fatal(Exception):
    """Raise it when trying again would be pointless."""


class Stopping(Exception):
    """Raised by a signal while nothing but waiting is under way."""


class Cancelled(Exception):
    """The run was cancelled, or is not ours any more."""


class Context:
    """What a handler is told of its attempt, and what it can say."""

    def __init__(self, lease):
        run = lease["run"]
        self.run_id = run["id"]  # the same for every attempt: hand it to whatever must not happen twice
        self.attempt = run["attempt"]
        self.details = run["details"]  # what an earlier attempt said of where it was
        self.fencing_token = lease["fencingToken"]
        self.stop = threading.Event()
        self.said = {}
        self.lines = []

    def progress(self, fraction, message=""):
        self.said["progress"] = {"fraction": fraction, "message": message}

    def checkpoint(self, details):
        self.said["details"] = details

    def log(self, message, **fields):
        self.lines.append({"level": "info", "message": message, "fields": fields})

    def check(self):
        """Call it now and then: raises when there is no point in going on."""
        if self.stop.is_set():
            raise Cancelled("the run was cancelled or the lease is lost")


def word_count(payload, context):
    words = payload["text"].split()
    context.log("counting", words=len(words))
    for done, _ in enumerate(words, 1):
        context.check()
        context.progress(done / len(words))
    return {"words": len(words)}


def always_fails(payload, context):
    raise Fatal("this will never work")


HANDLERS = {"py.word-count": word_count, "py.fails": always_fails}


class Api:
    def __init__(self, url, tenant, key):
        self.base = f"{url.rstrip('/')}/api/v1/tenants/{tenant}/worker/"
        self.key = key

    def post(self, path, body, timeout=10):
        lines = isinstance(body, str)
        request = urllib.request.Request(
            self.base + path,
            data=(body if lines else json.dumps(body)).encode(),
            headers={
                "authorization": f"Bearer {self.key}",
                "content-type": "application/x-ndjson" if lines else "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return json.loads(response.read())

    def insist(self, path, body, until, timeout=10):
        """Asks again while nobody answers: every call may be repeated as it is."""
        pause = 0.1
        while True:
            try:
                return self.post(path, body, timeout)
            except urllib.error.HTTPError as error:
                if error.code < 500 and error.code not in (425, 429) or until():
                    raise
            except OSError:  # nobody there, or not in time
                if until():
                    raise
            time.sleep(pause)
            pause = min(pause * 2, 5)


def beat(api, lease, context, ended):
    """At once, so that the lease is not given to another; then three times in each lease's length."""
    heard = time.monotonic()
    while True:
        try:
            lines, context.lines = context.lines, []
            if lines:
                api.post(f"leases/{lease['token']}/logs", "".join(json.dumps(line) + "\n" for line in lines))
            answer = api.post(f"leases/{lease['token']}:heartbeat", dict(context.said))
            heard = time.monotonic()
            if answer["cancelRequested"]:
                context.stop.set()
        except urllib.error.HTTPError as error:
            if error.code == 409:
                context.stop.set()
        except OSError:
            pass
        if time.monotonic() - heard > lease["leaseSeconds"]:
            context.stop.set()
        if ended.wait(lease["leaseSeconds"] / 3):
            return


def work(api, lease):
    context = Context(lease)
    ended = threading.Event()
    beating = threading.Thread(target=beat, args=(api, lease, context, ended))
    beating.start()
    try:
        output = HANDLERS[lease["run"]["jobType"]](lease["run"]["payload"], context)
        verb, body = "complete", {"output": output}
    except Exception as error:  # whatever it is, the run's record says it
        verb = "fail"
        described = {"name": type(error).__name__, "message": str(error)[:2000]}
        body = {"error": described, "retryable": not isinstance(error, Fatal)}
    ended.set()
    beating.join()
    give_up = time.monotonic() + lease["leaseSeconds"]
    try:
        if context.lines:
            lines = "".join(json.dumps(line) + "\n" for line in context.lines)
            api.post(f"leases/{lease['token']}/logs", lines)
        api.insist(f"leases/{lease['token']}:{verb}", body, until=lambda: time.monotonic() > give_up)
    except OSError as error:  # a 409 is one, too: somebody else decides about the run
        print(f"run {context.run_id}: {error}", file=sys.stderr, flush=True)


def main():
    names = ["CARILLON_URL", "CARILLON_TENANT", "CARILLON_KEY"]
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        sys.exit(f"expected {', '.join(names)} in the environment, got no {' and no '.join(missing)}")
    api = Api(*(os.environ[name] for name in names))
    stopping = threading.Event()
    waiting = threading.Event()

    def stop(*_):
        stopping.set()
        if waiting.is_set():
            raise Stopping

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)

    me = {"name": "python", "slots": SLOTS, "jobTypes": [{"name": name} for name in HANDLERS]}
    worker = api.insist("workers:register", me, until=stopping.is_set)["workerId"]
    print("registered", worker, flush=True)
    free = threading.Semaphore(SLOTS)

    with ThreadPoolExecutor(SLOTS) as pool:
        while not stopping.is_set():
            if not free.acquire(timeout=1):
                continue
            leases = take_one(api, worker, stopping, waiting)
            if not leases:
                free.release()
            for lease in leases:
                pool.submit(work, api, lease).add_done_callback(lambda _: free.release())
    print("ended", flush=True)


def take_one(api, worker, stopping, waiting):
    """The same request id until an answer has come: what a lost answer has given us is given again."""
    wanted = {
        "workerId": worker,
        "jobTypes": list(HANDLERS),
        "max": 1,
        "waitSeconds": WAIT_SECONDS,
        "requestId": str(uuid.uuid4()),
    }
    waiting.set()
    try:
        answer = api.insist("leases:acquire", wanted, until=stopping.is_set, timeout=WAIT_SECONDS + 10)
        return answer["leases"]
    except Stopping:
        return []
    finally:
        waiting.clear()


if __name__ == "__main__":
    main()
