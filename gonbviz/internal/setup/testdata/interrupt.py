"""Runs a heatmap on the Go kernel, presses stop when it has reported a few times, and asks whether the kernel lives on.
Reads the folder and the cells from standard input and says what came of it on standard output, both as JSON."""

import json
import sys
import time

from jupyter_client.manager import KernelManager

request = json.load(sys.stdin)
manager = KernelManager(kernel_name="gonb")
manager.start_kernel(cwd=request["folder"], extra_arguments=["-raw_error"])
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=120)


def run(source, stop_after=None):
    """What a cell says, and how long it went on after it was stopped."""
    message, said, reports, stopped = client.execute(source), [], 0, None
    while True:
        reply = client.get_iopub_msg(timeout=300)
        if reply["parent_header"].get("msg_id") != message:
            continue
        kind, content = reply["msg_type"], reply["content"]
        if kind == "status" and content["execution_state"] == "idle":
            return said, time.time() - stopped if stopped else None
        if kind == "stream":
            said.append(content["text"])
        elif kind in ("display_data", "update_display_data"):
            said.append(content["data"].get("text/html", ""))
            reports += 1
            if reports == stop_after:
                stopped = time.time()
                manager.interrupt_kernel()


try:
    run(request["finder"])
    said, seconds = run(request["long"], stop_after=4)
    alive, _ = run(request["short"])
finally:
    manager.shutdown_kernel(now=True)
json.dump({"said": said, "seconds": seconds, "alive": alive}, sys.stdout)
