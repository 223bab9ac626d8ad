"""Runs one notebook on the Go kernel. Reads what to do from standard input, and says how it goes on standard output,
both as JSON: {"notebook": path, "html": path or "", "save": path or ""} and a line for each event."""

import json
import os
import re
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


# How Go names the way in which a program ended.
STATUS = re.compile(r"exit status \d+|signal: ")


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
    """What a failed cell says: the compiler's errors, or what the program wrote last before it ended."""
    written, compiler, status = "", [], []
    for output in cell.outputs:
        if output.output_type == "error":
            status += [line for line in output.evalue.splitlines() if STATUS.match(line)][:1]
            compiler += compiler_errors(output)
        elif output.output_type == "stream" and output.name == "stderr":
            written += output.text  # a line may come in several parts
    said = [line for line in written.splitlines() if line.strip() and not STATUS.match(line)]
    crashes = [line for line in said if line.startswith(("panic: ", "fatal error: "))]
    return " | ".join(compiler[:3] or crashes[:1] or said[-3:] or status) or "it gave no reason"


def compiler_errors(output):
    """The errors with the cell's own lines, which GoNB gives in the traceback, or as they are where it gives none."""
    located = []
    for entry in output.traceback:
        lines = [line for line in entry.splitlines() if line.strip()]
        place = re.match(r"Cell\[\d+\]: Line (\d+)", lines[0]) if lines else None
        if place and len(lines) > 1:
            located.append(f"line {place[1]}: {lines[-1].strip()}")
    plain = [
        re.sub(r"^\S*main\.go:\d+:\d+: ", "", line)
        for line in output.evalue.splitlines()
        if line.strip() and not line.startswith("#") and not STATUS.match(line)
    ]
    return located or plain


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
