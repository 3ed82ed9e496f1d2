# SPDX-License-Identifier: GPL-2.0-or-later
"""A headless Chromium, driven through a pipe by its DevTools protocol; nothing but Python is needed.

Whatever the page logs as an error, and whatever it asks the network for, is kept for the test.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

LIMIT = 120  # seconds that anything may take


class Failed(Exception):
    pass


def program():
    """The browser's path, or None."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


class Browser:
    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="memmon-chromium-")
        to_child, self.to_browser = os.pipe()
        self.from_browser, from_child = os.pipe()

        def take_pipe():
            # the numbers that --remote-debugging-pipe reads and writes
            to, back = os.dup(to_child), os.dup(from_child)
            os.dup2(to, 3)
            os.dup2(back, 4)
            os.set_inheritable(3, True)
            os.set_inheritable(4, True)

        flags = [
            "--headless=new",
            "--remote-debugging-pipe",
            "--no-first-run",
            "--no-default-browser-check",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--force-device-scale-factor=1",
            "--hide-scrollbars",
            "--user-data-dir=" + self.home,
        ]
        if os.geteuid() == 0:
            flags.append("--no-sandbox")
        self.process = subprocess.Popen(
            [program()] + flags,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=take_pipe,
            env=dict(os.environ, HOME=self.home),
        )
        os.close(to_child)
        os.close(from_child)
        self.limit = LIMIT
        self.pending = b""
        self.number = 0
        self.answers = {}
        self.errors = []
        self.requests = []
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")
        # on a machine that does much else the first frame may be long in coming
        self.limit = 5 * LIMIT
        self.settle()
        self.limit = LIMIT

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.to_browser)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.from_browser)
        shutil.rmtree(self.home, ignore_errors=True)

    # ---- the protocol ----

    def _take(self, message):
        if "id" in message:
            self.answers[message["id"]] = message
            return
        method, params = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.errors.append(" ".join(str(a.get("value", a.get("description"))) for a in params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.errors.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])

    def _read(self, until):
        while not until():
            if b"\0" in self.pending:
                message, self.pending = self.pending.split(b"\0", 1)
                self._take(json.loads(message))
                continue
            left = self.deadline - time.monotonic()
            if left <= 0 or not select.select([self.from_browser], [], [], left)[0]:
                raise Failed("the browser does not answer")
            part = os.read(self.from_browser, 1 << 20)
            if not part:
                raise Failed("the browser ended")
            self.pending += part

    def call(self, method, **params):
        self.deadline = time.monotonic() + self.limit
        self.number += 1
        number = self.number
        message = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        text = json.dumps(message).encode() + b"\0"
        while text:
            text = text[os.write(self.to_browser, text) :]
        self._read(lambda: number in self.answers)
        answer = self.answers.pop(number)
        if "error" in answer:
            raise Failed(method + ": " + answer["error"]["message"])
        return answer["result"]

    # ---- what tests do ----

    def window(self, width, height, dark=False):
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}],
        )
        self.settle()

    def open(self, path):
        self.errors.clear()
        self.requests.clear()
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        self.js("new Promise((done) => document.readyState === 'complete' ? done() : addEventListener('load', done))")
        self.settle()

    def js(self, expression):
        """The value of an expression; of a promise, what it comes to."""
        result = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True
        )
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise Failed(expression + ": " + details.get("exception", {}).get("description", details["text"]))
        return result["result"].get("value")

    def settle(self):
        """Waits until what is due has been drawn."""
        self.js("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))")

    def screenshot(self, path, whole=True):
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def mouse(self, kind, x, y, button="left", modifiers=0, clicks=1):
        self.call(
            "Input.dispatchMouseEvent",
            type=kind,
            x=x,
            y=y,
            button=button if kind != "mouseMoved" else "none",
            buttons=1 if kind != "mouseReleased" else 0,
            clickCount=clicks,
            modifiers=modifiers,
        )

    def drag(self, x0, x1, y, modifiers=0):
        self.mouse("mousePressed", x0, y, modifiers=modifiers)
        for part in (0.3, 0.6, 1):
            self.call(
                "Input.dispatchMouseEvent",
                type="mouseMoved",
                x=x0 + (x1 - x0) * part,
                y=y,
                button="left",
                buttons=1,
                modifiers=modifiers,
            )
        self.mouse("mouseReleased", x1, y, modifiers=modifiers)
        self.settle()

    def key(self, name, code=None, text=None, settle=True):
        for kind in ("keyDown", "keyUp"):
            params = {"type": kind, "key": name, "code": code or name}
            codes = {"Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowRight": 39, " ": 32}
            params["windowsVirtualKeyCode"] = codes.get(name, 0)
            if text and kind == "keyDown":
                params["text"] = text
            self.call("Input.dispatchKeyEvent", **params)
        if settle:
            self.settle()
