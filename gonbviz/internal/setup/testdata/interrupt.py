"""Runs a heatmap on the Go kernel, presses stop when it shows a preview, and runs a shorter one to its end. Reads the folder and the cells from standard input and says what came of it on standard output, both as JSON."""

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


def run(source, stop=False):
    """What a cell says, what it shows at its end, and how long it went on after it was stopped."""
    message, said, shown, stopped = client.execute(source), [], {}, None
    while True:
        reply = client.get_iopub_msg(timeout=300)
        if reply["parent_header"].get("msg_id") != message:
            continue
        kind, content = reply["msg_type"], reply["content"]
        if kind == "status" and content["execution_state"] == "idle":
            return said, list(shown.values()), time.time() - stopped if stopped else None
        if kind == "stream":
            said.append(content["text"])
        elif kind in ("display_data", "update_display_data"):
            # An output with an identity takes the place of the earlier one that has it.
            place, data = content.get("transient", {}).get("display_id") or len(shown), content["data"]
            preview = "Preview: " in data.get("text/html", "")
            data["previewed"] = preview or shown.get(place, {}).get("previewed", False)
            shown[place] = data
            if stop and preview and not stopped:
                stopped = time.time()
                manager.interrupt_kernel()


try:
    run(request["finder"])
    said, shown, seconds = run(request["long"], stop=True)
    _, whole, _ = run(request["short"])
finally:
    manager.shutdown_kernel(now=True)
json.dump({"said": said, "shown": shown, "seconds": seconds, "whole": whole}, sys.stdout)
