"""The peers' side of the comparison: answers one JSON request a line on standard input with one JSON line on standard output.

    python peers.py export FOLDER NETWORK...        torchvision's networks with random weights as ONNX, and pictures
    python peers.py onnxruntime|torch|captum FOLDER a process that measures one library
"""
import json
import os
import sys
import time
import warnings

import numpy as np

SIZE, CLASSES, PICTURES, SEED = 224, 1000, 32, 1


def pictures(folder):
    """The pictures that all get: float32, [PICTURES, 3, SIZE, SIZE]."""
    return np.fromfile(os.path.join(folder, "pictures.f32"), "<f4").reshape(PICTURES, 3, SIZE, SIZE)


def windows(window, stride):
    """Captum's positions, row by row: from a corner on, a stride apart, the last ones cut off at the border."""
    starts = [i * stride for i in range(max(-(-(SIZE - window) // stride), 0) + 1)]
    return [(y, min(y + window, SIZE), x, min(x + window, SIZE)) for y in starts for x in starts]


def spread(drops, windows):
    """Each pixel's mean over the windows that hide it, as Captum has it."""
    total, count = np.zeros((SIZE, SIZE)), np.zeros((SIZE, SIZE))
    for drop, (top, bottom, left, right) in zip(drops, windows):
        total[top:bottom, left:right] += drop
        count[top:bottom, left:right] += 1
    return total / np.maximum(count, 1)


def random_network(name):
    """A network of torchvision's with random weights. Its norms have the statistics of noise, so that no map fades."""
    import torch
    import torchvision

    torch.manual_seed(SEED)
    network = getattr(torchvision.models, name)(weights=None)
    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
        torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
        torch.nn.init.uniform_(norm.bias, -0.5, 0.5)
    if norms:
        with torch.no_grad():
            network.train()(torch.randn(8, 3, SIZE, SIZE))
    return network.eval()


def export(folder, names):
    import torch

    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "pictures.f32")
    if not os.path.exists(path):
        whole = np.random.default_rng(SEED).standard_normal((PICTURES, 3, SIZE, SIZE)).astype("<f4")
        whole.tofile(path + ".new")
        os.replace(path + ".new", path)
    for name in names:
        path = os.path.join(folder, name + ".onnx")
        if os.path.exists(path):
            continue
        open_batch = {"picture": {0: "batch"}, "logits": {0: "batch"}}
        torch.onnx.export(random_network(name), torch.zeros(2, 3, SIZE, SIZE), path + ".new", input_names=["picture"],
                          output_names=["logits"], dynamic_axes=open_batch, dynamo=False, opset_version=17)
        os.replace(path + ".new", path)


class Runtime:
    """ONNX Runtime on the CPU with its default options."""

    def __init__(self, folder, name):
        import onnxruntime

        self.version = onnxruntime.__version__
        self.session = onnxruntime.InferenceSession(os.path.join(folder, name + ".onnx"), providers=["CPUExecutionProvider"])

    def prepare(self, values):
        return np.ascontiguousarray(values)

    def run(self, values):
        return self.session.run(None, {"picture": values})[0]


class Torch:
    """PyTorch in inference mode, on its default number of threads."""

    def __init__(self, folder, name):
        import torch

        self.torch, self.version = torch, torch.__version__
        self.network = random_network(name)

    def prepare(self, values):
        return self.torch.from_numpy(np.ascontiguousarray(values))

    def run(self, values):
        with self.torch.inference_mode():
            return self.network(values).numpy()


class Stop(Exception):
    """Ends Captum's run where only a part of the positions is measured."""


class Captum(Torch):
    """Captum's Occlusion on PyTorch."""

    def __init__(self, folder, name):
        super().__init__(folder, name)
        import captum
        from captum.attr import Occlusion

        self.version = captum.__version__
        self.method = Occlusion

    def heatmap(self, picture, target, window, stride, batch, limit):
        """The heatmap, or None where limit ended it after that many positions; and the positions."""
        done = -1  # the picture itself comes first

        def forward(values):
            nonlocal done
            if limit and done >= limit:
                raise Stop
            done += len(values)
            return self.network(values)

        try:
            with self.torch.inference_mode():
                found = self.method(forward).attribute(
                    self.prepare(picture), strides=(3, stride, stride), sliding_window_shapes=(3, window, window),
                    baselines=0, target=target, perturbations_per_eval=batch)
        except Stop:
            return None, done
        return found[0, 0].numpy(), done


class Peer:
    """Answers requests for one network in one library."""

    def __init__(self, library, folder):
        self.library, self.folder = library, folder
        self.pictures = pictures(folder)

    def open(self, network):
        start = time.perf_counter()
        self.net = {"onnxruntime": Runtime, "torch": Torch, "captum": Captum}[self.library](self.folder, network)
        self.fed = {}
        return {"version": self.net.version, "seconds": [time.perf_counter() - start]}

    def forward(self, batch, runs, logits=False):
        if batch not in self.fed:
            self.fed[batch] = self.net.prepare(self.pictures[:batch])
            self.net.run(self.fed[batch])
        seconds = []
        for _ in range(runs):
            start = time.perf_counter()
            out = self.net.run(self.fed[batch])
            seconds.append(time.perf_counter() - start)
        return {"seconds": seconds, "values": out.astype(float).ravel().tolist() if logits else None}

    def occlusion(self, window, stride, batch, limit=0):
        picture = self.pictures[:1]
        target = int(self.net.run(self.net.prepare(picture))[0].argmax())
        start = time.perf_counter()
        if self.library == "captum":
            heatmap, done = self.net.heatmap(picture, target, window, stride, batch, limit)
        else:
            heatmap, done = self.batched(picture, target, window, stride, batch, limit)
        seconds = time.perf_counter() - start
        return {"seconds": [seconds], "positions": done, "peak": peak_memory(),
                "values": None if heatmap is None else heatmap.astype(float).ravel().tolist()}

    def batched(self, picture, target, window, stride, batch, limit):
        """What a careful user writes: windows cut into copies of the picture, batch by batch."""
        places = windows(window, stride)
        clean = self.net.run(self.net.prepare(picture))[0, target]
        drops = []
        for first in range(0, len(places), batch):
            if limit and len(drops) >= limit:
                return None, len(drops)
            chunk = places[first:first + batch]
            copies = np.repeat(picture, len(chunk), axis=0)
            for copy, (top, bottom, left, right) in zip(copies, chunk):
                copy[:, top:bottom, left:right] = 0
            drops.extend(clean - self.net.run(self.net.prepare(copies))[:, target])
        return spread(drops, places), len(drops)


def peak_memory():
    """The most that the process has held, in bytes; 0 where the system doesn't say."""
    try:
        with open("/proc/self/status") as f:
            return next(int(line.split()[1]) << 10 for line in f if line.startswith("VmHWM:"))
    except OSError:
        return 0


def serve(library, folder):
    """Answers requests until standard input ends. Nothing else may write to standard output."""
    out, sys.stdout = sys.stdout, sys.stderr
    peer = Peer(library, folder)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(peer, request.pop("do"))(**request)
        except Exception as e:  # whatever a library throws is the request's answer
            answer = {"error": f"{type(e).__name__}: {e}".splitlines()[0]}
        print(json.dumps(answer), file=out, flush=True)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    if sys.argv[1] == "export":
        export(sys.argv[2], sys.argv[3:])
    else:
        serve(sys.argv[1], sys.argv[2])
