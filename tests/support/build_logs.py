"""The output of builders."""

from __future__ import annotations

from pytest_deploycheck.oci.builds.log import parse_build_log

ONE, TWO, THREE, FOUR = (f"sha256:{letter * 64}" for letter in "abcd")

PLAIN = f"""\
#0 building with "default" instance using docker driver

#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 412B done
#1 DONE 0.0s

#2 [internal] load metadata for docker.io/library/python:3.12-slim
#2 DONE 0.6s

#3 [internal] load build context
#3 transferring context: 21.4kB done
#3 DONE 0.0s

#4 [stage-1 1/4] FROM docker.io/library/python:3.12-slim@{FOUR}
#4 DONE 0.0s

#5 [stage-1 2/4] WORKDIR /srv
#5 CACHED

#6 [stage-1 3/4] COPY app/ ./app/
#6 CACHED

#7 [stage-1 4/4] RUN python -m compileall app
#7 0.214 Listing 'app'...
#7 0.301 #6 DONE 0.1s
#7 0.302 [9/9] COPY a b
#7 ...

#8 [build 2/2] ADD schema.sql /srv/
#8 DONE 0.1s

#7 [stage-1 4/4] RUN python -m compileall app
#7 DONE 1.3s

#9 exporting to image
#9 exporting layers 0.1s done
#9 writing image {ONE} done
#9 naming to docker.io/library/shop done
#9 DONE 0.1s
"""

SCREEN = (
    "\x1b[1A\x1b[1B\x1b[0G\x1b[?25l[+] Building 0.2s (3/12)                 docker:default\n"
    "\x1b[34m => [internal] load build definition from Dockerfile              0.0s\n\x1b[0m"
    " => [4/6] COPY app/ ./app/                                         0.1s\n"
    " => => # COPY is what it says                                          \n"
    "\x1b[?25h\x1b[1A\x1b[1A\x1b[1A\x1b[0G\x1b[?25l[+] Building 3.2s (12/12) FINISHED      docker:default\n"
    "\x1b[34m => CACHED [2/6] WORKDIR /srv                                      0.0s\n\x1b[0m"
    "\x1b[34m => CACHED [4/6] COPY app/ ./app/                                  0.0s\n\x1b[0m"
    "\x1b[34m => [5/6] RUN python -m compileall app                             1.3s\n\x1b[0m"
    "\x1b[34m => exporting to image                                             0.1s\n\x1b[0m"
    f"\x1b[34m => => writing image {ONE}                                     0.0s\n\x1b[0m\x1b[?25h"
)

CLASSIC = """\
DEPRECATED: The legacy builder is deprecated and will be removed in a future release.

Sending build context to Docker daemon  35.84kB
Step 1/4 : FROM python:3.12-slim
 ---> 1a2b3c4d5e6f
Step 2/4 : COPY app/ ./app/
 ---> Using cache
 ---> 2b3c4d5e6f70
Step 3/4 : ADD schema.sql /srv/
 ---> 3c4d5e6f7081
Step 4/4 : RUN python -m compileall app
 ---> [Warning] IPv4 forwarding is disabled. Networking will not work.
 ---> Running in 4d5e6f708192
Listing 'app'...
 ---> Using cache
Removing intermediate container 4d5e6f708192
 ---> 5e6f70819203
Successfully built 5e6f70819203
Successfully tagged shop:latest
"""

MULTI_PLATFORM = f"""\
#0 building with "builder" instance using docker-container driver

#1 [internal] load build definition from Dockerfile
#1 DONE 0.0s

#2 [linux/amd64 internal] load metadata for docker.io/library/python:3.12-slim
#2 DONE 0.9s

#7 [linux/amd64 build 2/3] COPY app/ ./app/
#7 CACHED

#8 [linux/arm64 build 2/3] COPY app/ ./app/
#8 DONE 0.2s

#12 exporting to image
#12 exporting manifest {ONE} done
#12 exporting config {FOUR} done
#12 exporting attestation manifest {FOUR} done
#12 exporting manifest {TWO} done
#12 exporting manifest list {THREE} done
"""


def copies(text: str) -> list[tuple[str, str, bool]]:
    """Number, instruction and whether it is cached, of every COPY and ADD of a log."""
    return [(step.number, step.instruction, step.is_cached) for step in parse_build_log(text).copies]
