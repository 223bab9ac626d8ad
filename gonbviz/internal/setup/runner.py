"""Runs one notebook on the Go kernel. Reads what to do from standard input, and says how it goes on standard output,
both as JSON: {"notebook": path, "html": path or "", "save": path or ""} and a line for each event."""

import json
import os
import sys
import tempfile

import nbformat
from jinja2 import DictLoader
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbconvert import HTMLExporter

# The usual page, without the scripts that it would load from elsewhere.
PAGE = """{% extends 'lab/index.html.j2' %}
{% block html_head_js %}{% endblock %}
{% block jupyter_widgets %}{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}
"""


def say(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)


def write(path, text):
    """Writes a file whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".new-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def message(cell):
    """What a failed cell says: the compiler's errors, or the end of what the program wrote before it ended."""
    said, errors = [], []
    for output in cell.outputs:
        if output.output_type == "error":
            errors.append(output.evalue)
        elif output.output_type == "stream" and output.name == "stderr":
            said += output.text.splitlines()
    said = [line for line in said if line.strip()]
    lines = [line for error in errors for line in error.splitlines() if line.strip() and not line.startswith("#")]
    if lines and not lines[0].startswith("exit status"):
        return " | ".join(lines[:3])
    return " | ".join(said[-3:] + lines) or "it gave no reason"


def page(notebook, path):
    exporter = HTMLExporter(
        extra_loaders=[DictLoader({"page.html.j2": PAGE})],
        template_file="page.html.j2",
        embed_images=True,
    )
    resources = {
        "metadata": {
            "name": os.path.splitext(os.path.basename(path))[0],
            "path": os.path.dirname(path),
        }
    }
    text, _ = exporter.from_notebook_node(notebook, resources=resources)
    return text


def main():
    request = json.load(sys.stdin)
    path = request["notebook"]
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:
        say("error", message=f"not a notebook that can be read: {error}")
        return
    total = len(notebook.cells)
    client = NotebookClient(
        notebook,
        kernel_name="gonb",
        timeout=None,
        startup_timeout=120,
        extra_arguments=["-raw_error"],
        resources={"metadata": {"path": os.path.dirname(path)}},
        record_timing=False,  # of no use to a reader, and it would change with every run
        on_cell_start=lambda cell, cell_index: say("cell", cell=cell_index + 1, total=total),
    )
    try:
        client.execute()
    except (CellExecutionError, DeadKernelError) as error:
        for number, cell in enumerate(notebook.cells, 1):
            if any(output.output_type == "error" for output in cell.get("outputs", [])):
                say("failed", cell=number, message=message(cell))
                return
        say("error", message=str(error).strip().splitlines()[-1])
        return
    if request["save"]:
        write(request["save"], nbformat.writes(notebook) + "\n")
    if request["html"]:
        write(request["html"], page(notebook, path))
    say("done")


main()
