"""Lets the exporters themselves write small networks with random weights, and ONNX Runtime answer to them.

    pip install --require-hashes -r requirements-torch.txt     # in one environment: Linux, Python 3.12
    pip install --require-hashes -r requirements-keras.txt     # in another
    TORCHPYTHON exporters.py torch DIR     # PyTorch's old and new exporter, and Keras on PyTorch
    KERASPYTHON exporters.py keras DIR     # tf2onnx, and Keras on TensorFlow, which goes by it
    KERASPYTHON exporters.py pack DIR      # writes exporters.zip of what is in DIR
    python exporters.py answer DIR         # needs requirements.txt alone: what make.py --all DIR is for its networks

Tried with what the two lists pin: PyTorch 2.15.0 with onnxscript 0.7.2, torchvision 0.29.2, TensorFlow 2.21.0, tf2onnx
1.17.0 and Keras 3.15.1. The networks are made of torchvision's and Keras's own blocks, narrow and for small pictures.
exporters.zip holds them beside expected.json, which is as make.py's.
"""
import json
import os
import sys
import zipfile

import numpy as np
import onnx

from make import HERE, picture, run, save, summary


# ---------------------------------------------------------------------------------------------------------- PyTorch

def torch_networks():
    import torch
    from functools import partial
    from torch import nn
    from torchvision.models import convnext, densenet, efficientnet, mnasnet, mobilenetv2, mobilenetv3, regnet, resnet
    from torchvision.models import shufflenetv2, squeezenet, vgg
    from torchvision.models.googlenet import Inception

    def head(width, *blocks):
        return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 5))

    def stem(width, stride=2):
        return nn.Sequential(nn.Conv2d(3, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())

    def residual(block, planes, **kw):
        down = nn.Sequential(nn.Conv2d(8, planes * block.expansion, 1, 2, bias=False), nn.BatchNorm2d(planes * block.expansion))
        return block(8, planes, stride=2, downsample=down, **kw)

    v3 = partial(mobilenetv3.InvertedResidualConfig, width_mult=1.0)
    mb = partial(efficientnet.MBConvConfig, width_mult=1.0, depth_mult=1.0)
    networks = {
        "alexnet": lambda: nn.Sequential(
            nn.Conv2d(3, 8, 5, 2, 2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.AdaptiveAvgPool2d((7, 7)), nn.Flatten(), nn.Dropout(),
            nn.Linear(392, 12), nn.ReLU(), nn.Linear(12, 5)),
        "vgg": lambda: nn.Sequential(
            vgg.make_layers([4, "M", 4, 4, "M"]), nn.AdaptiveAvgPool2d((4, 4)), nn.Flatten(), nn.Linear(64, 12), nn.ReLU(), nn.Linear(12, 5)),
        "vgg_bn": lambda: head(6, *vgg.make_layers([4, "M", 6, 6, "M"], batch_norm=True)),
        "resnet": lambda: head(8, stem(8), nn.MaxPool2d(3, 2, 1), residual(resnet.BasicBlock, 8), resnet.BasicBlock(8, 8)),
        "resnext": lambda: head(16, stem(8), residual(resnet.Bottleneck, 4, groups=4, base_width=128)),
        "squeezenet": lambda: nn.Sequential(
            stem(6), nn.MaxPool2d(3, 2, ceil_mode=True), squeezenet.Fire(6, 3, 4, 4), nn.Conv2d(8, 5, 1), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        "densenet": lambda: densenet.DenseNet(4, (2, 2), 8, bn_size=2, num_classes=5),
        "googlenet": lambda: head(12, stem(6), nn.MaxPool2d(3, 2, ceil_mode=True), Inception(6, 3, 3, 4, 2, 3, 2)),
        "inception": lambda: head(6 + 6 + 10, stem(6, 1), inception_block()),
        "mobilenet_v2": lambda: mobilenetv2.MobileNetV2(5, 0.1, [[1, 8, 1, 1], [2, 8, 2, 2]], round_nearest=4),
        "mobilenet_v3": lambda: mobilenetv3.MobileNetV3(
            [v3(16, 3, 16, 8, True, "RE", 2, 1), v3(8, 5, 12, 8, True, "HS", 1, 1)], 16, num_classes=5),
        "shufflenet": lambda: shufflenetv2.ShuffleNetV2([2, 2, 2], [8, 8, 12, 16, 16], num_classes=5),
        "mnasnet": lambda: head(8, stem(8), mnasnet._InvertedResidual(8, 8, 3, 1, 2), mnasnet._InvertedResidual(8, 8, 5, 2, 2)),
        "efficientnet": lambda: efficientnet.EfficientNet(
            [mb(1, 3, 1, 8, 8, 1), mb(2, 5, 2, 8, 8, 2)], 0.1, num_classes=5, last_channel=16),
        "regnet": lambda: regnet.RegNet(
            regnet.BlockParams([1, 1], [8, 16], [4, 4], [1.0, 1.0], [2, 2], se_ratio=0.25), num_classes=5, stem_width=8),
        "convnext": lambda: convnext.ConvNeXt(
            [convnext.CNBlockConfig(8, 12, 2), convnext.CNBlockConfig(12, None, 1)], num_classes=5),
    }

    def prepared(name):
        """The network with weights that are all different, and with statistics as training leaves them."""
        torch.manual_seed(sum(map(ord, name)))
        net = networks[name]()
        with torch.no_grad():
            for p in net.parameters():
                if p.dim() < 2:
                    p.add_(0.2 * torch.randn_like(p))
            for key, p in net.named_parameters():
                if key.endswith("layer_scale"):
                    p.uniform_(0.3, 1)
            net.eval()
            for m in net.modules():
                if isinstance(m, nn.BatchNorm2d):
                    m.train()
                    m.momentum = None
            net(torch.randn(8, 3, 32, 32))
            for m in net.modules():
                if isinstance(m, nn.BatchNorm2d):
                    m.running_mean.add_(0.1 * torch.randn_like(m.running_mean))
                    m.running_var.mul_(torch.empty_like(m.running_var).uniform_(0.7, 1.3))
        return net.eval()

    return prepared


def inception_block():
    """Inception's way with asymmetric kernels and with an average that counts the padding."""
    import torch
    import torch.nn.functional as F
    from torch import nn
    from torchvision.models.inception import BasicConv2d as conv

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.one = conv(6, 6, kernel_size=1)
            self.wide = nn.Sequential(conv(6, 6, kernel_size=(1, 7), padding=(0, 3)), conv(6, 6, kernel_size=(7, 1), padding=(3, 0)))
            self.mean = conv(6, 10, kernel_size=1)

        def forward(self, x):
            mean = self.mean(F.avg_pool2d(x, kernel_size=3, stride=1, padding=1))
            return torch.cat([self.one(x), self.wide(x), mean], 1)

    return Block()


def torch_cases():
    """name, network, exporter, operator set, batch (None: open), further options"""
    yield from [
        ("alexnet", "old", 9, 1, {}), ("alexnet", "new", 18, None, {}),
        ("vgg", "old", 7, 1, {}), ("vgg_bn", "old", 13, None, {}), ("vgg_bn", "new", 22, 1, {}),
        ("resnet", "old", 9, 1, {}), ("resnet", "old", 17, None, {"unfolded": True}), ("resnet", "new", 18, None, {}),
        ("resnet", "new", 22, 1, {"external": True}), ("resnet", "new", 20, None, {"unfolded": True}),
        ("resnet", "old", 17, 1, {"half": True}), ("resnext", "old", 11, 2, {}), ("resnext", "new", 18, 1, {}),
        ("squeezenet", "old", 12, 1, {}), ("squeezenet", "new", 18, None, {}),
        ("densenet", "old", 9, 1, {}), ("densenet", "new", 18, None, {}),
        ("googlenet", "old", 10, 1, {}), ("googlenet", "new", 21, 1, {}),
        ("inception", "old", 16, None, {}), ("inception", "new", 18, None, {}),
        ("mobilenet_v2", "old", 9, 1, {}), ("mobilenet_v2", "old", 17, None, {"external": True}), ("mobilenet_v2", "new", 18, None, {}),
        ("mobilenet_v3", "old", 9, 1, {}), ("mobilenet_v3", "old", 17, None, {}), ("mobilenet_v3", "new", 18, None, {}),
        ("mobilenet_v3", "new", 18, 1, {"half": True}),
        ("shufflenet", "old", 8, 1, {}), ("shufflenet", "old", 17, None, {}), ("shufflenet", "new", 18, None, {}),
        ("mnasnet", "old", 15, 1, {}), ("mnasnet", "new", 19, None, {}),
        ("efficientnet", "old", 17, None, {}), ("efficientnet", "new", 18, 1, {}),
        ("regnet", "old", 14, 1, {}), ("regnet", "new", 18, None, {}),
        ("convnext", "old", 13, 1, {}), ("convnext", "old", 17, None, {}), ("convnext", "new", 18, 1, {}),
        ("convnext", "new", 20, None, {}), ("convnext", "new", 18, 2, {"half": True}),
    ]


def export_torch(folder):
    import torch
    prepared = torch_networks()
    for name, exporter, opset, batch, options in torch_cases():
        net = prepared(name)
        x = torch.from_numpy(picture((batch or 2, 3, 32, 32)))
        if options.get("half"):
            net, x = net.half(), x.half()
        kind = "open" if batch is None else f"batch{batch}"
        path = os.path.join(folder, "-".join([f"torch_{exporter}{opset}", name, kind, *options]) + ".onnx")
        with torch.no_grad():
            if exporter == "old":
                axes = {"dynamic_axes": {"input": {0: "batch"}}} if batch is None else {}
                if options.get("unfolded"):
                    axes |= {"do_constant_folding": False, "keep_initializers_as_inputs": True,
                             "training": torch.onnx.TrainingMode.PRESERVE}
                torch.onnx.export(net, (x,), path, dynamo=False, opset_version=opset, input_names=["input"], **axes)
                if options.get("external"):
                    beside(path)
            else:
                shapes = {"dynamic_shapes": ({0: torch.export.Dim("batch")},)} if batch is None else {}
                torch.onnx.export(net, (x,), path, dynamo=True, opset_version=opset, external_data=bool(options.get("external")),
                                  optimize=not options.get("unfolded"), verbose=False, **shapes)


def beside(path):
    """Puts the weights into a file of their own."""
    model = onnx.load(path)
    os.remove(path)
    onnx.save(model, path, save_as_external_data=True, location=os.path.basename(path) + ".data", size_threshold=0)


# ---------------------------------------------------------------------------------------------------------- Keras

def keras_networks():
    import keras
    L = keras.layers

    def residual(x):
        y = L.Conv2D(8, 3, padding="same", use_bias=False, name="conv1")(x)
        y = L.BatchNormalization(name="bn1")(y)
        y = L.ReLU(name="relu1")(y)
        y = L.Conv2D(8, 3, padding="same", use_bias=False, name="conv2")(y)
        y = L.BatchNormalization(name="bn2")(y)
        return L.ReLU(name="relu2")(L.Add(name="add")([x, y]))

    def plain(x):
        x = L.Rescaling(1 / 0.5, offset=-0.25, name="rescaling")(x)
        x = L.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="conv0")(x)
        x = L.MaxPooling2D(name="pool")(x)
        x = residual(x)
        return L.Dense(5, activation="softmax", name="predictions")(L.GlobalAveragePooling2D(name="mean")(x))

    def separable(x):
        x = L.ZeroPadding2D(((0, 1), (0, 1)), name="pad")(x)
        x = L.Conv2D(8, 3, strides=2, use_bias=False, name="conv0")(x)
        x = L.ReLU(6.0, name="relu0")(L.BatchNormalization(name="bn0")(x))
        x = L.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(x)
        x = L.ReLU(6.0, name="relu1")(L.BatchNormalization(name="bn1")(x))
        x = L.SeparableConv2D(12, 3, padding="same", name="separable")(x)
        x = L.AveragePooling2D(3, 2, padding="same", name="pool")(x)
        return L.Dense(5, name="logits")(L.Flatten(name="flatten")(x))

    def squeeze_excite(x):
        x = L.Conv2D(8, 3, strides=2, padding="same", activation="swish", name="stem")(x)
        gate = L.GlobalAveragePooling2D(keepdims=True, name="mean")(x)
        gate = L.Conv2D(4, 1, activation="relu", name="reduce")(gate)
        gate = L.Conv2D(8, 1, activation="hard_sigmoid", name="expand")(gate)
        x = L.Multiply(name="gate")([x, gate])
        x = L.Activation("hard_swish", name="hard_swish")(L.BatchNormalization(name="bn")(x))
        x = L.Concatenate(name="both")([L.Conv2D(4, 3, strides=2, padding="same", name="left")(x), L.MaxPooling2D(3, 2, padding="same", name="right")(x)])
        return L.Dense(5, activation="softmax", name="predictions")(L.GlobalMaxPooling2D(name="largest")(x))

    def prepared(build):
        keras.utils.set_random_seed(sum(map(ord, build.__name__)))
        rng = np.random.default_rng(7)
        x = keras.Input((24, 20, 3), name="image")
        net = keras.Model(x, build(x), name="net")
        net(np.zeros((1, 24, 20, 3), np.float32))  # it can be exported only once it has been called
        for v in net.variables:
            name = v.path.rsplit("/", 1)[-1]
            if name in ("bias", "beta", "moving_mean"):
                v.assign(rng.normal(0, 0.2, v.shape))
            elif name in ("gamma", "moving_variance"):
                v.assign(rng.uniform(0.6, 1.4, v.shape))
        return net

    return [(f.__name__, lambda f=f: prepared(f)) for f in (plain, separable, squeeze_excite)]


def export_keras(folder):
    import tensorflow as tf
    import tf2onnx
    for name, build in keras_networks():
        net = build()
        net.export(os.path.join(folder, f"keras-{name}-open.onnx"), format="onnx", verbose=False)
        for opset, batch, first in [(9, 1, False), (13, None, True), (18, None, False), (17, 2, False)]:
            spec = [tf.TensorSpec((batch, 24, 20, 3), tf.float32, name="input")]
            fn = tf.function(lambda x: net(x, training=False), input_signature=spec)
            kind = ("open" if batch is None else f"batch{batch}") + ("-channels_first" if first else "")
            tf2onnx.convert.from_function(fn, input_signature=spec, opset=opset, inputs_as_nchw=["input"] if first else None,
                                          output_path=os.path.join(folder, f"tf2onnx{opset}-{name}-{kind}.onnx"))


def export_keras_torch(folder):
    for name, build in keras_networks():
        net = build()
        net.export(os.path.join(folder, f"keras_torch-{name}-open.onnx"), format="onnx", verbose=False)


# ---------------------------------------------------------------------------------------------------------- answers

def widened(model):
    """The same numbers in float32, in which they are computed."""
    def widen(t):
        if t.data_type == onnx.TensorProto.FLOAT16:
            t.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(t).astype(np.float32), t.name))
    for t in model.graph.initializer:
        widen(t)
    for n in model.graph.node:
        for a in n.attribute:
            if a.type == onnx.AttributeProto.TENSOR:
                widen(a.t)
            elif n.op_type == "Cast" and a.i == onnx.TensorProto.FLOAT16:
                a.i = onnx.TensorProto.FLOAT
    for v in [*model.graph.input, *model.graph.output, *model.graph.value_info]:
        if v.type.tensor_type.elem_type == onnx.TensorProto.FLOAT16:
            v.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    return model


def answers(path):
    """The shape of the picture, and ONNX Runtime's tensors for it; an open batch is of two."""
    model = widened(onnx.load(path))
    weights = {t.name for t in model.graph.initializer}
    inputs = [i for i in model.graph.input if i.name not in weights]
    shape = [d.dim_value or 2 for d in inputs[0].type.tensor_type.shape.dim]
    return shape, run(model, shape, inputs[0].name)


def bare(path):
    """The file without the lines of source code, and their places on this machine, that PyTorch notes at each node."""
    model = onnx.load(path, load_external_data=False)
    for part in [model.graph, *model.graph.node, *model.graph.initializer, *model.graph.value_info, *model.graph.input, *model.graph.output]:
        del part.metadata_props[:]
    return model.SerializeToString()


def answer(folder):
    """Unpacks the networks into DIR/exporters, and beside each what ONNX Runtime answers, as make.py --all does."""
    folder = os.path.join(folder, "exporters")
    with zipfile.ZipFile(os.path.join(HERE, "exporters.zip")) as z:
        z.extractall(folder)
    for name in os.listdir(folder):
        if name.endswith(".onnx"):
            save(os.path.join(folder, name.removesuffix(".onnx")), answers(os.path.join(folder, name))[1])


def pack(folder):
    expected = {}
    with zipfile.ZipFile(os.path.join(HERE, "exporters.zip"), "w", zipfile.ZIP_DEFLATED) as z:
        def add(name, data):
            z.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            if not name.endswith(".onnx"):
                with open(path, "rb") as f:
                    add(name, f.read())
            else:
                add(name, bare(path))
                shape, tensors = answers(path)
                expected["exporters/" + name.removesuffix(".onnx")] = {
                    "logits": onnx.load(path, load_external_data=False).graph.output[0].name, "shape": shape,
                    "tensors": {k: summary(v) for k, v in tensors.items() if v.dtype == np.float32}}
        add("expected.json", json.dumps(expected))


if __name__ == "__main__":
    what, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    if what == "torch":
        os.environ["KERAS_BACKEND"] = "torch"
        export_torch(folder)
        export_keras_torch(folder)
    else:
        {"keras": export_keras, "pack": pack, "answer": answer}[what](folder)
