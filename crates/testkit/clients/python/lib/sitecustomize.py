"""Imported by Python before a client runs: sends the hosts the client has compiled in to the
server under test, and shifts the client's clock where a test asks for that. The client itself
stays as published, and nothing outside its process changes."""

import os
import re
import socket
import time

FIXED_HOSTS = re.compile(r"(^|\.)(adobelogin\.com|adobe\.io)$", re.IGNORECASE)
LOOPBACK = re.compile(r"^(localhost|127(\.\d+){3}|::1)$", re.IGNORECASE)

resolve = socket.getaddrinfo


def redirected(host, port, *args, **kwargs):
    """The one name lookup of urllib3, requests and http.client. TLS still checks the asked name."""
    name = host.decode() if isinstance(host, bytes) else host
    if name is None or LOOPBACK.match(name):
        return resolve(host, port, *args, **kwargs)
    if FIXED_HOSTS.search(name) and port == 443 and "COUNTERSIGN_TLS_PORT" in os.environ:
        return resolve("127.0.0.1", int(os.environ["COUNTERSIGN_TLS_PORT"]), *args, **kwargs)
    raise socket.gaierror(f"tests do not leave the machine: {name}")


def shift_clock(seconds):
    real = time.time
    time.time = lambda: real() + seconds


socket.getaddrinfo = redirected

if offset := int(os.environ.get("COUNTERSIGN_CLOCK_OFFSET_SECONDS", "0")):
    shift_clock(offset)
