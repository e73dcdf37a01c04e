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
from datetime import datetime, timezone

CONCURRENCY = 4
WAIT_SECONDS = 20
TELL_AFTER_SECONDS = 1


class Fatal(Exception):
    """Raise it when trying again would be pointless."""


class UnfitOutput(Fatal):
    """The work is done, but its output can't be said: doing it again would only bring the same."""


class Stopping(Exception):
    """Raised by a signal while nothing but waiting is under way."""


class Cancelled(Exception):
    """The run was cancelled, or is not ours any more."""


class Context:
    """What a handler receives about its attempt, and how it reports."""

    def __init__(self, lease):
        run = lease["run"]
        self.run_id = run["id"]  # the same for every attempt: hand it to whatever must not happen twice
        self.attempt = run["attempt"]
        self.details = run["details"]  # what an earlier attempt said of where it was
        self.fencing_token = lease["fencingToken"]
        self.stop = threading.Event()
        self.said = {}
        self.heard = {}  # of what was said, what the API has
        self.news = threading.Event()
        self.lines = []

    # What is said is made JSON at once, so that nothing that a handler says can stop the beats.

    def progress(self, fraction, message=""):
        fraction = fraction if fraction == fraction else 0  # NaN is not even itself
        self.said["progress"] = {"fraction": max(0, min(1, fraction)), "message": shown(message)[:1000]}
        self.news.set()

    def checkpoint(self, details):
        """Raises TypeError or ValueError for what JSON can't say."""
        self.said["details"] = json.loads(json.dumps(details, allow_nan=False))
        self.news.set()

    def log(self, message, **fields):
        try:
            json.dumps(fields, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            fields = {name: shown(value) for name, value in fields.items()}
        line = {"level": "info", "message": shown(message)[:8000], "fields": fields}
        self.lines.append(json.dumps(line) + "\n")

    def check(self):
        """Call it now and then: raises when there is no point in going on."""
        if self.stop.is_set():
            raise Cancelled("the run was cancelled or the lease is lost")


def shown(value):
    """Any value as text that can be stored: no NUL characters, no halves of surrogate pairs."""
    try:
        return str(value).replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    except Exception:  # its own __str__ may do anything
        return f"a {type(value).__name__} that can not be shown"


def word_count(payload, context):
    words = payload["text"].split()
    context.log("counting", words=len(words))
    for done, _ in enumerate(words, 1):
        context.check()
        context.progress(done / len(words))
    return {"words": len(words)}


def always_fails(payload, context):
    raise Fatal("this will never work")


def says_odd_things(payload, context):
    """What a handler says never costs it its work; what it returns must be something that JSON can express."""
    context.progress(float("nan"), "half\0")
    context.log("odd", at=datetime.now(timezone.utc), share=float("nan"), tags={"a"})
    outputs = {"datetime": datetime.now(timezone.utc), "nan": float("nan"), "set": {1}, "nul": "a\0", "text": "fine"}
    return outputs[payload["output"]]


HANDLERS = {"py.word-count": word_count, "py.fails": always_fails, "py.odd": says_odd_things}


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
        """Asks again while no replica answers: every call may be repeated as it is."""
        pause = 0.1
        while True:
            try:
                return self.post(path, body, timeout)
            except urllib.error.HTTPError as error:
                if error.code < 500 and error.code not in (425, 429) or until():
                    raise
            except OSError:  # no answer, or not in time
                if until():
                    raise
            time.sleep(pause)
            pause = min(pause * 2, 5)


def send_lines(api, lease, context):
    lines, context.lines = context.lines, []
    if lines:
        api.post(f"leases/{lease['token']}/logs", "".join(lines))


def tell(api, lease, context, timeout=10):
    said = dict(context.said)
    answer = api.post(f"leases/{lease['token']}:heartbeat", said, timeout)
    context.heard = said
    if answer["cancelRequested"]:
        context.stop.set()


def beat(api, lease, context, ended):
    """At once, so that the lease is not given to another; then three times in each lease's length, and soon after news."""
    heard = time.monotonic()
    while True:
        try:
            tell(api, lease, context)
            heard = time.monotonic()
            send_lines(api, lease, context)
        except urllib.error.HTTPError as error:
            if error.code == 409:
                context.stop.set()
        except (OSError, ValueError):  # no answer, not in time, or half of one
            pass
        if time.monotonic() - heard > lease["leaseSeconds"]:
            context.stop.set()
        if context.news.wait(lease["leaseSeconds"] / 3):
            ended.wait(TELL_AFTER_SECONDS)  # what is said meanwhile goes along
        context.news.clear()
        if ended.is_set():
            return


def failure(error):
    described = {"name": type(error).__name__, "message": shown(error)[:2000]}
    return "fail", {"error": described, "retryable": not isinstance(error, Fatal)}


def call(lease, context):
    """The word that ends the lease, always one that can be said."""
    try:
        output = HANDLERS[lease["run"]["jobType"]](lease["run"]["payload"], context)
    except Exception as error:  # whatever it is, the run's record says it
        return failure(error)
    try:
        return "complete", {"output": json.loads(json.dumps(output, allow_nan=False))}
    except (TypeError, ValueError, RecursionError) as error:
        return failure(UnfitOutput(f"expected an output that JSON can express, got {error}"))


def work(api, lease):
    context = Context(lease)
    ended = threading.Event()
    beating = threading.Thread(target=beat, args=(api, lease, context, ended))
    beating.start()
    verb, body = call(lease, context)
    ended.set()
    context.news.set()
    beating.join()
    give_up = time.monotonic() + lease["leaseSeconds"]
    try:
        if context.said != context.heard:
            tell(api, lease, context, timeout=1)
        send_lines(api, lease, context)
    except (OSError, ValueError) as error:
        print(f"progress or log of run {context.run_id}: {error}", file=sys.stderr, flush=True)
    try:
        try:
            api.insist(f"leases/{lease['token']}:{verb}", body, until=lambda: time.monotonic() > give_up)
        except urllib.error.HTTPError as error:
            if verb != "complete" or error.code not in (400, 413, 422):
                raise
            # JSON, but more than the API takes: without another word the run would only be done again.
            verb, body = failure(UnfitOutput(f"the output was refused: {shown(error.read()[:1000].decode())}"))
            api.insist(f"leases/{lease['token']}:{verb}", body, until=lambda: time.monotonic() > give_up)
    except (OSError, ValueError) as error:  # a 409 is one, too: another holder decides about the run
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

    me = {"name": "python", "concurrency": CONCURRENCY, "jobTypes": [{"name": name} for name in HANDLERS]}
    worker = api.insist("workers:register", me, until=stopping.is_set)["workerId"]
    print("registered", worker, flush=True)
    free = threading.Semaphore(CONCURRENCY)

    with ThreadPoolExecutor(CONCURRENCY) as pool:
        while not stopping.is_set():
            if not free.acquire(timeout=1):
                continue
            leases = take_one(api, worker, stopping, waiting)
            if not leases:
                free.release()
            for lease in leases:
                pool.submit(work, api, lease).add_done_callback(lambda _: free.release())
    try:
        api.post(f"workers/{worker}:deregister", {}, timeout=2)
    except (OSError, ValueError) as error:  # it is listed for a day, and takes nothing
        print(f"worker {worker}: {error}", file=sys.stderr, flush=True)
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
