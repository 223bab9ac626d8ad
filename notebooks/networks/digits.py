"""Trains a small network on MNIST in PyTorch and writes it as digits.onnx, which the notebook own_network opens.

    pip install torch==2.15.0 numpy onnx==1.23.2
    python digits.py FOLDER    # the folder with MNIST's four .gz files
"""
import gzip
import os
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.edges = nn.Conv2d(1, 8, 5, padding=2)
        self.strokes = nn.Conv2d(8, 16, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        self.parts = nn.Conv2d(16, 32, 3)
        self.digit = nn.Linear(32, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.edges(x)), 2)
        x = F.max_pool2d(F.relu(self.norm(self.strokes(x))), 2)
        x = F.relu(self.parts(x))
        return F.softmax(self.digit(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1)), 1)


def read(folder, name):
    data = gzip.open(os.path.join(folder, name)).read()
    return np.frombuffer(data, np.uint8, offset=16 if "images" in name else 8)


def load(folder, part):
    x = read(folder, part + "-images-idx3-ubyte.gz").reshape(-1, 1, 28, 28).astype(np.float32) / 255
    return torch.from_numpy((x - 0.1307) / 0.3081), torch.from_numpy(read(folder, part + "-labels-idx1-ubyte.gz").astype(np.int64))


def train(x, y, epochs=3, batch=128):
    torch.manual_seed(1)
    net = Digits()
    steps = epochs * (len(x) // batch)
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, steps)
    for epoch in range(epochs):
        order = torch.randperm(len(x))
        for i in range(len(x) // batch):
            at = order[i * batch : (i + 1) * batch]
            loss = F.nll_loss(torch.log(net(x[at]) + 1e-12), y[at])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        print(epoch, loss.item(), flush=True)
    return net.eval()


def main(folder):
    torch.set_num_threads(1)
    net = train(*load(folder, "train"))
    x, y = load(folder, "t10k")
    with torch.no_grad():
        right = int((net(x).argmax(1) == y).sum())
    print(right, "of the 10,000 test digits")
    net.half().float()  # weights of eleven bits, which is plenty
    torch.onnx.export(net, torch.zeros(1, 1, 28, 28), "digits.onnx", dynamo=False, opset_version=17,
                      input_names=["picture"], output_names=["probability"], dynamic_axes={"picture": {0: "batch"}})


main(sys.argv[1])
