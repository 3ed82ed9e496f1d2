#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A unix socket that answers HTTP as no engine should: badsocket.py PATH BEHAVIOUR. Says "ready"."""
import signal
import socket
import sys
import time

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def sized(body):
    return OK + b"Content-Length: %d\r\n\r\n" % len(body) + body


def forever(client, piece, pause=0):
    while True:
        client.sendall(piece)
        time.sleep(pause)


def drip(client):
    client.sendall(OK + b"Content-Length: 1000000\r\n\r\n[")
    forever(client, b" ", 0.05)


def huge(client):
    client.sendall(OK + b"\r\n[")
    forever(client, b"[]," * 100000)


def headers(client):
    client.sendall(OK)
    forever(client, b"X-Header: " + b"x" * 5000 + b"\r\n")


BEHAVIOURS = {
    "hang": lambda client: signal.pause(),
    "drip": drip,
    "huge": huge,
    "headers": headers,
    "nonsense": lambda client: client.sendall(b"\x00\xff\x1b[2Jgarbage\r\n\r\n"),
    "html": lambda client: client.sendall(sized(b"<html>")),
    "wrong": lambda client: client.sendall(sized(b'[{"Id":"../","State":"running"}]')),
    "status": lambda client: client.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n[]"),
    "redirect": lambda client: client.sendall(
        b"HTTP/1.1 301 No\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    ),
    "brackets": lambda client: client.sendall(OK + b"\r\n" + b"[" * 9000000),
    "close": lambda client: None,
}


def main():
    path, behaviour = sys.argv[1:]
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(0 if behaviour == "full" else 8)
    held = []
    if behaviour == "full":
        # connections that nobody accepts take all the room there is
        while True:
            one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            one.setblocking(False)
            held.append(one)
            try:
                one.connect(path)
            except BlockingIOError:
                break
    print("ready", flush=True)
    if behaviour == "full":
        signal.pause()
    while True:
        client, _ = listener.accept()
        try:
            if behaviour != "hang":
                client.recv(65536)
            BEHAVIOURS[behaviour](client)
        except OSError:
            pass
        client.close()


main()
