"""Makes the networks of this folder with random weights, and what ONNX Runtime answers to them.

    pip install --require-hashes -r requirements.txt
    python make.py              # writes families/*.onnx, operators.zip and expected.json
    python make.py --all DIR    # writes each network as DIR/NAME.onnx and its floating-point tensors as DIR/NAME/*.npy

The picture that they are asked about is the one of picture(). expected.json holds, for the logits and every inner
floating-point tensor, its shape, its largest absolute value and up to 24 of its values, evenly spread.
"""
import io
import json
import os
import sys
import zipfile

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

HERE = os.path.dirname(os.path.abspath(__file__))
FLOAT = TensorProto.FLOAT


def picture(shape):
    n = int(np.prod(shape))
    return ((np.arange(n) * 7919 % 1009) / 504.5 - 1).astype(np.float32).reshape(shape)


class Net:
    """A graph under construction. Every method returns the name of the tensor that it makes."""

    def __init__(self, name, shape, opset=17, out=None):
        self.name, self.shape, self.opset = name, shape, opset
        self.nodes, self.weights, self.declared = [], [], out
        self.rng = np.random.default_rng(sum(map(ord, name)))

    def op(self, kind, *inputs, outputs=1, name=None, **attributes):
        outs = [f"{(name or kind).lower()}_{len(self.nodes)}" + (f"_{i}" if i else "") for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), outs, name=name or "", **attributes))
        return outs[0] if outputs == 1 else outs

    def weight(self, name, value):
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def random(self, name, *shape, scale=None):
        fan = np.prod(shape[1:]) if len(shape) > 1 else 4
        return self.weight(name, (self.rng.standard_normal(shape) * (scale or fan**-0.5)).astype(np.float32))

    def ints(self, *values):
        return self.weight(f"ints_{len(self.weights)}", np.array(values, np.int64))

    def conv(self, name, x, cin, cout, k, bias=True, group=1, **kw):
        kw.setdefault("kernel_shape", [k, k])
        ins = [x, self.random(name + ".weight", cout, cin // group, k, k)]
        if bias:
            ins.append(self.random(name + ".bias", cout))
        return self.op("Conv", *ins, name=name, group=group, **kw)

    def bn(self, name, x, c):
        pos = lambda n: self.weight(f"{name}.{n}", self.rng.uniform(0.5, 1.5, c).astype(np.float32))
        any_ = lambda n: self.random(f"{name}.{n}", c)
        return self.op("BatchNormalization", x, pos("weight"), any_("bias"), any_("running_mean"), pos("running_var"), name=name)

    def dense(self, name, x, cin, cout, **kw):
        return self.op("Gemm", x, self.random(name + ".weight", cout, cin), self.random(name + ".bias", cout), name=name, transB=1, **kw)

    def model(self, out):
        values = [helper.make_tensor_value_info(out, FLOAT, self.declared)]
        graph = helper.make_graph(self.nodes, self.name, [helper.make_tensor_value_info("input", FLOAT, self.shape)], values, self.weights)
        m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8, producer_name="convlens")
        return onnx.shape_inference.infer_shapes(m)


def head(n, x, c, classes=10):
    return n.dense("fc", n.op("Flatten", n.op("GlobalAveragePool", x)), c, classes)


def alexnet():
    n = Net("alexnet", [1, 3, 35, 35], 11)
    x = n.op("Relu", n.conv("features.0", "input", 3, 8, 7, strides=[4, 4], pads=[2, 2, 2, 2]))
    x = n.op("LRN", x, size=5, alpha=0.1, beta=0.75, bias=2.0)
    x = n.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], dilations=[1, 1])
    x = n.op("Relu", n.conv("features.3", x, 8, 12, 3, pads=[1] * 4, group=2))
    x = n.op("Reshape", x, n.ints(1, -1))
    x = n.op("Dropout", x)
    x = n.op("Relu", n.dense("classifier.1", x, 192, 16))
    return n, n.op("Softmax", n.dense("classifier.4", x, 16, 10), axis=1)


def vgg_bn():
    n = Net("vgg_bn", ["batch", 3, 16, 16], 13)
    x = "input"
    for i, (a, b) in enumerate([(3, 8), (8, 12)]):
        x = n.op("Relu", n.bn(f"features.{i}.1", n.conv(f"features.{i}.0", x, a, b, 3, pads=[1] * 4), b))
        x = n.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    shape = n.op("Shape", x)
    batch = n.op("Unsqueeze", n.op("Gather", shape, n.weight("zero", np.array(0, np.int64)), axis=0), n.ints(0))
    x = n.op("Reshape", x, n.op("Concat", batch, n.ints(-1), axis=0))
    return n, n.dense("classifier.0", n.op("Relu", n.dense("classifier.3", x, 192, 16)), 16, 10)


def googlenet():
    n = Net("googlenet", [1, 3, 24, 24], 9)
    x = n.op("Relu", n.conv("conv1/7x7_s2", "input", 3, 8, 5, strides=[2, 2], pads=[2] * 4))
    x = n.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 2, 2])
    x = n.op("LRN", x, size=5, alpha=0.2)
    a = n.op("Relu", n.conv("inception_3a/1x1", x, 8, 4, 1))
    b = n.op("Relu", n.conv("inception_3a/3x3", n.op("Relu", n.conv("inception_3a/3x3_reduce", x, 8, 4, 1)), 4, 6, 3, pads=[1] * 4))
    c = n.op("Relu", n.conv("inception_3a/5x5", n.op("Relu", n.conv("inception_3a/5x5_reduce", x, 8, 2, 1)), 2, 4, 5, pads=[2] * 4))
    d = n.op("Relu", n.conv("inception_3a/pool_proj", n.op("MaxPool", x, kernel_shape=[3, 3], pads=[1] * 4), 8, 3, 1))
    x = n.op("Concat", a, b, c, d, axis=1)
    x = n.op("AveragePool", x, kernel_shape=[6, 6])
    return n, n.op("Softmax", n.dense("loss3/classifier", n.op("Reshape", x, n.ints(1, 17)), 17, 10))


def inception():
    n = Net("inception", ["N", 3, 29, 29], 14)
    # transform_input: each channel by itself
    zero = lambda i: n.weight(f"c{i}", np.array(i, np.int64))
    parts = []
    for i in range(3):
        ch = n.op("Unsqueeze", n.op("Gather", "input", zero(i), axis=1), n.ints(1))
        ch = n.op("Mul", ch, n.weight(f"s{i}", np.float32(0.45 + i / 10)))
        parts.append(n.op("Add", ch, n.weight(f"o{i}", np.float32(-0.03 * i))))
    x = n.op("Concat", *parts, axis=1)
    x = n.op("Relu", n.bn("Conv2d_1a.bn", n.conv("Conv2d_1a.conv", x, 3, 8, 3, bias=False, strides=[2, 2]), 8))
    seven = n.op("Conv", x, n.random("Mixed.b7.weight", 6, 8, 1, 7), name="Mixed.b7", pads=[0, 3, 0, 3], kernel_shape=[1, 7])
    seven = n.op("Conv", n.op("Relu", seven), n.random("Mixed.b8.weight", 6, 6, 7, 1), name="Mixed.b8", pads=[3, 0, 3, 0], kernel_shape=[7, 1])
    pooled = n.op("AveragePool", x, kernel_shape=[3, 3], pads=[1] * 4, strides=[1, 1], count_include_pad=1)
    pooled = n.conv("Mixed.pool", pooled, 8, 5, 1)
    x = n.op("Concat", n.op("Relu", seven), n.op("Relu", pooled), axis=1)
    return n, head(n, x, 11)


def resnet():
    n = Net("resnet", ["N", 3, 16, 16], 12)
    x = n.op("Relu", n.bn("bn1", n.conv("conv1", "input", 3, 8, 3, bias=False, strides=[2, 2], pads=[1] * 4), 8))
    x = n.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4, ceil_mode=0)
    y = n.op("Relu", n.bn("layer1.0.bn1", n.conv("layer1.0.conv1", x, 8, 8, 3, bias=False, pads=[1] * 4), 8))
    y = n.bn("layer1.0.bn2", n.conv("layer1.0.conv2", y, 8, 8, 3, bias=False, pads=[1] * 4), 8)
    x = n.op("Relu", n.op("Add", y, x))
    y = n.op("Relu", n.bn("layer2.0.bn1", n.conv("layer2.0.conv1", x, 8, 12, 3, bias=False, strides=[2, 2], pads=[1] * 4), 12))
    y = n.bn("layer2.0.bn2", n.conv("layer2.0.conv2", y, 12, 12, 3, bias=False, pads=[1] * 4), 12)
    s = n.bn("layer2.0.downsample.1", n.conv("layer2.0.downsample.0", x, 8, 12, 1, bias=False, strides=[2, 2]), 12)
    return n, head(n, n.op("Relu", n.op("Add", y, s)), 12)


def resnext():
    n = Net("resnext", [2, 3, 16, 16], 18)
    x = n.op("Relu", n.conv("conv1", "input", 3, 16, 3, pads=[1] * 4, strides=[2, 2]))
    y = n.op("Relu", n.bn("layer1.0.bn1", n.conv("layer1.0.conv1", x, 16, 16, 1), 16))
    y = n.op("Relu", n.conv("layer1.0.conv2", y, 16, 16, 3, group=4, pads=[2] * 4, dilations=[2, 2]))
    x = n.op("Relu", n.op("Add", n.conv("layer1.0.conv3", y, 16, 16, 1), x))
    x = n.op("ReduceMean", x, n.ints(-1, -2), keepdims=1)
    x = n.op("Squeeze", n.op("Squeeze", x, n.ints(3)), n.ints(2))
    return n, n.op("Softmax", n.op("Add", n.op("MatMul", x, n.random("fc.weight", 16, 10)), n.random("fc.bias", 10)))


def squeezenet():
    n = Net("squeezenet", [1, 3, 23, 23], 7)
    x = n.op("Relu", n.conv("conv1", "input", 3, 8, 3, strides=[2, 2]))
    x = n.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2])
    s = n.op("Relu", n.conv("fire2/squeeze1x1", x, 8, 4, 1))
    x = n.op("Concat", n.op("Relu", n.conv("fire2/expand1x1", s, 4, 6, 1)), n.op("Relu", n.conv("fire2/expand3x3", s, 4, 6, 3, pads=[1] * 4)), axis=1)
    x = n.op("Relu", n.conv("conv10", n.op("Dropout", x, ratio=0.5), 12, 10, 1))
    return n, n.op("Softmax", n.op("GlobalAveragePool", x))


def densenet():
    n = Net("densenet", ["N", 3, 12, 12], 17)
    x, c = n.conv("features.conv0", "input", 3, 8, 3, pads=[1] * 4), 8
    for i in range(3):
        y = n.op("Relu", n.bn(f"features.denseblock1.denselayer{i}.norm1", x, c))
        y = n.conv(f"features.denseblock1.denselayer{i}.conv1", y, c, 4, 3, pads=[1] * 4)
        x, c = n.op("Concat", x, y, axis=1), c + 4
    x = n.op("AveragePool", n.op("Relu", n.bn("features.transition1.norm", x, c)), kernel_shape=[2, 2], strides=[2, 2])
    return n, head(n, n.op("Relu", n.bn("features.norm5", x, c)), c)


def se(n, name, x, c, inner, gate):
    s = n.op("ReduceMean", x, axes=[2, 3], keepdims=1) if n.opset < 18 else n.op("GlobalAveragePool", x)
    s = n.op("Relu", n.conv(name + ".fc1", s, c, inner, 1))
    return n.op("Mul", x, n.op(gate, n.conv(name + ".fc2", s, inner, c, 1)))


def mobilenet_v2():
    n = Net("mobilenet_v2", ["N", 3, 16, 16], 10)
    x = n.op("Clip", n.bn("features.0.1", n.conv("features.0.0", "input", 3, 8, 3, bias=False, strides=[2, 2], pads=[1] * 4), 8), min=0.0, max=6.0)
    y = n.op("Clip", n.conv("features.1.conv.0.0", x, 8, 16, 1), min=0.0, max=6.0)
    y = n.op("Clip", n.conv("features.1.conv.1.0", y, 16, 16, 3, group=16, pads=[1] * 4), min=0.0, max=6.0)
    x = n.op("Add", x, n.conv("features.1.conv.2", y, 16, 8, 1))
    x = n.op("ReduceMean", x, axes=[2, 3], keepdims=0)
    return n, n.dense("classifier.1", x, 8, 10)


def mobilenet_v3():
    n = Net("mobilenet_v3", ["N", 3, 16, 16], 14)
    x = n.op("HardSwish", n.bn("features.0.1", n.conv("features.0.0", "input", 3, 8, 3, bias=False, strides=[2, 2], pads=[1] * 4), 8))
    y = n.op("HardSwish", n.conv("features.1.block.0.0", x, 8, 16, 1))
    y = n.op("HardSwish", n.conv("features.1.block.1.0", y, 16, 16, 5, group=16, strides=[2, 2], pads=[2] * 4))
    y = n.conv("features.1.block.3.0", n_se(n, "features.1.block.2", y), 16, 8, 1)
    return n, head(n, y, 8)


def n_se(n, name, y):
    s = n.op("GlobalAveragePool", y)
    s = n.op("Relu", n.conv(name + ".fc1", s, 16, 4, 1))
    return n.op("Mul", n.op("HardSigmoid", n.conv(name + ".fc2", s, 4, 16, 1), alpha=1 / 6), y)


def shufflenet():
    n = Net("shufflenet", [1, 3, 16, 16], 17)
    x = n.op("Relu", n.conv("conv1", "input", 3, 8, 3, strides=[2, 2], pads=[1] * 4))
    a, b = n.op("Split", x, n.ints(4, 4), outputs=2, axis=1)
    b = n.op("Relu", n.conv("stage2.0.branch2.0", b, 4, 4, 1))
    b = n.conv("stage2.0.branch2.3", b, 4, 4, 3, group=4, pads=[1] * 4)
    x = n.op("Concat", a, n.op("Relu", b), axis=1)
    x = n.op("Reshape", x, n.ints(1, 2, 4, 8, 8))
    x = n.op("Reshape", n.op("Transpose", x, perm=[0, 2, 1, 3, 4]), n.ints(1, -1, 8, 8))
    half = n.op("Slice", x, n.ints(4), n.ints(2**62), n.ints(1))
    x = n.op("Concat", n.op("Slice", x, n.ints(0), n.ints(4), n.ints(1)), n.conv("stage2.1", half, 4, 4, 1), axis=1)
    return n, n.dense("fc", n.op("ReduceMean", x, axes=[2, 3], keepdims=0), 8, 10)


def efficientnet():
    n = Net("efficientnet", ["N", 3, 17, 17], 16)
    swish = lambda x: n.op("Mul", x, n.op("Sigmoid", x))
    x = n.op("Pad", "input", n.ints(0, 0, 0, 0, 0, 0, 1, 1))
    x = swish(n.bn("_bn0", n.conv("_conv_stem", x, 3, 8, 3, bias=False, strides=[2, 2]), 8))
    y = swish(n.conv("_blocks.0._depthwise_conv", x, 8, 8, 3, group=8, pads=[1] * 4))
    s = n.op("GlobalAveragePool", y)
    s = n.conv("_blocks.0._se_expand", swish(n.conv("_blocks.0._se_reduce", s, 8, 2, 1)), 2, 8, 1)
    y = n.op("Mul", n.op("Sigmoid", s), y)
    return n, head(n, n.op("Add", n.conv("_blocks.0._project_conv", y, 8, 8, 1), x), 8)


def convnext():
    n = Net("convnext", ["N", 3, 16, 16], 20)
    x = n.conv("features.0.0", "input", 3, 8, 4, strides=[4, 4])
    y = n.conv("features.1.0.block.0", x, 8, 8, 7, group=8, pads=[3] * 4)
    y = n.op("Transpose", y, perm=[0, 2, 3, 1])
    y = n.op("LayerNormalization", y, n.random("features.1.0.block.2.weight", 8), n.random("features.1.0.block.2.bias", 8), axis=-1, epsilon=1e-6)
    y = n.op("Add", n.random("features.1.0.block.3.bias", 16), n.op("MatMul", y, n.random("features.1.0.block.3.weight", 8, 16)))
    y = n.op("Gelu", y)
    y = n.op("Add", n.op("MatMul", y, n.random("onnx::MatMul_99", 16, 8)), n.random("features.1.0.block.5.bias", 8))
    y = n.op("Mul", n.random("features.1.0.layer_scale", 8, 1, 1), n.op("Transpose", y, perm=[0, 3, 1, 2]))
    x = n.op("GlobalAveragePool", n.op("Add", y, x))
    # torchvision's LayerNorm2d before the head, written out by an old exporter
    m = n.op("Sub", x, n.op("ReduceMean", x, n.ints(1), keepdims=1))
    v = n.op("ReduceMean", n.op("Pow", m, n.weight("two", np.float32(2))), n.ints(1), keepdims=1)
    x = n.op("Div", m, n.op("Sqrt", n.op("Add", v, n.weight("eps", np.float32(1e-6)))))
    return n, n.dense("classifier.2", n.op("Flatten", x), 8, 10)


def regnet():
    n = Net("regnet", ["N", 3, 16, 16], 15)
    x = n.op("Relu", n.conv("stem.0", "input", 3, 8, 3, strides=[2, 2], pads=[1] * 4))
    y = n.op("Relu", n.conv("trunk.block1.f.a", x, 8, 16, 1))
    y = n.op("Relu", n.conv("trunk.block1.f.b", y, 16, 16, 3, group=2, strides=[2, 2], pads=[1] * 4))
    y = n.conv("trunk.block1.f.c", se(n, "trunk.block1.f.se", y, 16, 4, "Sigmoid"), 16, 16, 1)
    return n, head(n, n.op("Relu", n.op("Add", y, n.conv("trunk.block1.proj", x, 8, 16, 1, strides=[2, 2]))), 16)


def keras():
    n = Net("keras", ["unk__1", 17, 15, 3], 13)
    x = n.op("Transpose", "input", perm=[0, 3, 1, 2], name="model/conv2d/Conv2D__5")
    w = n.random("model/conv2d/Conv2D/ReadVariableOp:0", 6, 3, 4, 3)
    x = n.op("Conv", x, w, n.random("model/conv2d/BiasAdd/ReadVariableOp:0", 6), name="model/conv2d/Conv2D", auto_pad="SAME_UPPER", strides=[2, 2])
    x = n.op("Relu", x)
    x = n.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_LOWER")
    x = n.op("Conv", x, n.random("model/conv2d_1/Conv2D/ReadVariableOp:0", 8, 6, 3, 3), name="model/conv2d_1/Conv2D", auto_pad="SAME_LOWER")
    x = n.op("AveragePool", x, kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
    x = n.op("Transpose", x, perm=[0, 2, 3, 1])
    x = n.op("Reshape", x, n.ints(-1, 48))
    x = n.op("MatMul", x, n.random("model/dense/MatMul/ReadVariableOp:0", 48, 10), name="model/dense/MatMul")
    return n, n.op("Softmax", n.op("Add", x, n.random("model/dense/BiasAdd/ReadVariableOp:0", 10)))


def half():
    """float16 weights that are cast before use, one of them in a Constant node."""
    n = Net("half", [1, 1, 12, 12], 13)
    w = n.weight("conv1.weight", (n.rng.standard_normal((6, 1, 3, 3)) / 3).astype(np.float16))
    x = n.op("Relu", n.op("Conv", "input", n.op("Cast", w, to=FLOAT), name="conv1"))
    x = n.op("Reshape", x, n.ints(0, -1))
    v = numpy_helper.from_array((n.rng.standard_normal((600, 10)) / 20).astype(np.float16))
    w = n.op("Cast", n.op("Constant", value=v), to=FLOAT)
    return n, n.op("LogSoftmax", n.op("MatMul", x, w))


FAMILIES = [alexnet, vgg_bn, googlenet, inception, resnet, resnext, squeezenet, densenet, mobilenet_v2, mobilenet_v3,
            shufflenet, efficientnet, convnext, regnet, keras, half]


def operator(name, build, shape=(1, 3, 11, 9), opset=17):
    """One operation on the picture, then a plain mean for each channel."""
    n = Net(name, list(shape), opset)
    return n, build(n)


def single():
    cases = []

    def add(name, build, opset=17, shape=(1, 3, 11, 9)):
        cases.append((name, build, shape, opset))

    def unary(op, opset=17, **kw):
        tag = "_".join([op.lower()] + [f"{k}{v}" for k, v in kw.items()])
        add(tag, lambda n: n.op(op, "input", **kw), opset)

    for op in ["Relu", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "Elu", "Selu", "Celu", "Softplus", "Softsign",
               "ThresholdedRelu", "LeakyRelu", "Erf", "Abs", "Neg", "Exp", "Floor", "Ceil", "Sign", "Identity"]:
        unary(op)
    unary("Mish", 18)
    unary("Gelu", 20)
    unary("Gelu", 20, approximate="tanh")
    for op, kw in [("LeakyRelu", dict(alpha=0.3)), ("HardSigmoid", dict(alpha=0.4, beta=0.1)), ("Elu", dict(alpha=0.5)),
                   ("Selu", dict(alpha=1.2, gamma=0.8)), ("Celu", dict(alpha=0.4)), ("ThresholdedRelu", dict(alpha=0.2)),
                   ("Softmax", dict(axis=1)), ("LogSoftmax", dict(axis=-1))]:
        unary(op, **kw)
    unary("Softmax", 11, axis=2)
    unary("LogSoftmax", 12)
    f = lambda n, v: n.weight(f"f{len(n.weights)}", np.float32(v))
    pos = lambda n: n.op("Add", n.op("Abs", "input"), f(n, 0.1))
    for op in ["Sqrt", "Log", "Reciprocal"]:
        add(op.lower(), lambda n, op=op: n.op(op, pos(n)))
    add("clip_both", lambda n: n.op("Clip", "input", f(n, -0.3), f(n, 0.4)))
    add("clip_low", lambda n: n.op("Clip", "input", f(n, -0.3)))
    add("clip_high", lambda n: n.op("Clip", "input", "", f(n, 0.3)))
    add("clip_old", lambda n: n.op("Clip", "input", min=-0.2, max=0.5), 10)
    add("prelu", lambda n: n.op("PRelu", "input", n.random("slope", 3, 1, 1)))
    add("prelu_one", lambda n: n.op("PRelu", "input", f(n, 0.2)))
    for op in ["Add", "Sub", "Mul", "Div", "Min", "Max"]:
        add(op.lower() + "_channels", lambda n, op=op: n.op(op, "input", n.weight("w", n.rng.uniform(0.5, 2, (3, 1, 1)).astype(np.float32))))
        add(op.lower() + "_left", lambda n, op=op: n.op(op, n.weight("w", n.rng.uniform(0.5, 2, (1, 1, 11, 9)).astype(np.float32)), pos(n)))
    add("sum3", lambda n: n.op("Sum", "input", n.random("w", 9), n.random("v", 11, 1)))
    add("mean3", lambda n: n.op("Mean", "input", n.random("w", 9), n.op("Abs", "input")))
    for p in [0.5, 1.0, 2.0, 3.0, 1.7]:
        add(f"pow_{p}", lambda n, p=p: n.op("Pow", pos(n), f(n, p)))
    add("pow_weights", lambda n: n.op("Pow", pos(n), n.random("w", 3, 1, 1)))
    add("where", lambda n: n.op("Where", n.op("Greater", "input", f(n, 0.1)), "input", n.random("w", 1, 3, 1, 1)))
    add("where_not", lambda n: n.op("Where", n.op("Not", n.op("LessOrEqual", "input", f(n, 0.1))), f(n, 0), "input"))
    add("cast_bool", lambda n: n.op("Mul", n.op("Cast", n.op("Less", "input", f(n, 0.1)), to=FLOAT), "input"))
    add("cast_int", lambda n: n.op("Cast", n.op("Cast", n.op("Mul", "input", f(n, 5)), to=TensorProto.INT64), to=FLOAT))

    # convolutions
    def conv(tag, cin=3, cout=4, kh=3, kw=3, group=1, bias=True, opset=17, **kwargs):
        def build(n):
            x = "input" if cin == 3 else n.op("Concat", "input", n.op("Abs", "input"), axis=1)
            ins = [x, n.random("conv.weight", cout, cin // group, kh, kw)] + ([n.random("conv.bias", cout)] if bias else [])
            return n.op("Conv", *ins, group=group, **kwargs)
        add("conv_" + tag, build, opset)

    conv("plain")
    conv("nobias", bias=False)
    conv("asymmetric", pads=[1, 0, 2, 3])
    conv("strided_dilated", strides=[2, 1], dilations=[2, 3], pads=[2, 3, 2, 3])
    conv("rectangular", kh=5, kw=2, strides=[1, 2])
    conv("groups", cin=6, cout=8, group=2, pads=[1] * 4)
    conv("depthwise", cin=6, cout=6, group=6, pads=[1] * 4)
    conv("multiplier", cout=6, group=3)
    for mode in ["SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"]:
        conv("auto_" + mode.lower(), kh=4, kw=3, auto_pad=mode, strides=[2, 3])
    conv("auto_dilated_valid", kh=2, kw=3, auto_pad="VALID", dilations=[2, 2])
    add("conv_1d", lambda n: n.op("Conv", n.op("Reshape", "input", n.ints(1, 3, 99)), n.random("w", 4, 3, 5), pads=[2, 2]))
    add("conv_computed", lambda n: n.op("Conv", "input", n.op("Softmax", n.random("w", 4, 3, 3, 3), axis=1)))

    # poolings
    def pool(op, tag, opset=17, **kw):
        kw.setdefault("kernel_shape", [3, 2])
        add(f"{op.lower()}_{tag}", lambda n: n.op(op, "input", **kw), opset)

    for op in ["MaxPool", "AveragePool", "LpPool"]:
        new = 18 if op == "LpPool" else 17
        pool(op, "plain")
        pool(op, "strided", strides=[2, 3])
        pool(op, "asymmetric", strides=[2, 2], pads=[1, 0, 2, 1])
        for mode in ["SAME_UPPER", "SAME_LOWER", "VALID"]:
            pool(op, mode.lower(), auto_pad=mode, strides=[2, 2])
        if op != "LpPool":
            pool(op, "ceil", strides=[2, 2], ceil_mode=1)
            pool(op, "ceil_pad", strides=[2, 2], ceil_mode=1, pads=[1, 1, 1, 0])
            pool(op, "ceil_drop", kernel_shape=[1, 1], strides=[2, 4], ceil_mode=1, pads=[0, 0, 0, 0])
            pool(op, "ceil_drop2", kernel_shape=[3, 3], strides=[3, 3], ceil_mode=1, pads=[1, 1, 1, 1])
    pool("MaxPool", "dilated", dilations=[2, 3], strides=[1, 2], pads=[1, 1, 1, 1])
    pool("AveragePool", "dilated", 19, dilations=[2, 2], pads=[1, 1, 1, 1])
    pool("AveragePool", "count", count_include_pad=1, pads=[1, 1, 2, 0], strides=[2, 2])
    pool("AveragePool", "count_ceil", 19, count_include_pad=1, pads=[1, 1, 1, 1], strides=[2, 2], kernel_shape=[3, 4], ceil_mode=1)
    pool("LpPool", "p1", p=1, strides=[2, 2])
    pool("LpPool", "p3", p=3, strides=[2, 2])
    pool("LpPool", "dilated", 18, dilations=[2, 1], strides=[2, 2])
    for op in ["GlobalMaxPool", "GlobalAveragePool", "GlobalLpPool"]:
        unary(op)
    unary("GlobalLpPool", p=3)

    # normalisations
    add("batchnorm", lambda n: n.bn("bn", "input", 3))
    add("batchnorm_epsilon", lambda n: n.op("BatchNormalization", "input", *[n.weight(k, n.rng.uniform(0.5, 2, 3).astype(np.float32)) for k in "abcd"], epsilon=0.3, momentum=0.8), 9)
    add("instancenorm", lambda n: n.op("InstanceNormalization", "input", n.random("s", 3), n.random("b", 3), epsilon=0.01))
    for axis in [1, 2, 3, -1]:
        dims = [3, 11, 9][axis - 1:] if axis > 0 else [9]
        add(f"layernorm_{axis}", lambda n, axis=axis, dims=dims: n.op("LayerNormalization", "input", n.random("s", *dims), n.random("b", *dims), axis=axis, epsilon=0.01))
    add("layernorm_nobias", lambda n: n.op("LayerNormalization", "input", n.random("s", 9)))
    six = lambda n: n.op("Concat", "input", n.op("Abs", "input"), axis=1)
    add("groupnorm_18", lambda n: n.op("GroupNormalization", six(n), n.random("s", 2), n.random("b", 2), num_groups=2, epsilon=0.02), 18)
    add("groupnorm_21", lambda n: n.op("GroupNormalization", six(n), n.random("s", 6), n.random("b", 6), num_groups=3), 21)
    for p in [1, 2]:
        for axis in [1, -1]:
            unary("LpNormalization", p=p, axis=axis)
    unary("MeanVarianceNormalization")
    unary("MeanVarianceNormalization", axes=[1, 2])
    add("lrn", lambda n: n.op("LRN", six(n), size=3, alpha=0.5, beta=0.6, bias=1.5))

    # dense
    flat = lambda n: n.op("Flatten", "input")
    add("gemm", lambda n: n.op("Gemm", flat(n), n.random("w", 297, 5), n.random("b", 5)))
    add("gemm_scaled", lambda n: n.op("Gemm", flat(n), n.random("w", 5, 297), n.random("b", 5), transB=1, alpha=0.7, beta=1.9))
    add("gemm_nobias", lambda n: n.op("Gemm", flat(n), n.random("w", 297, 5)))
    add("gemm_beta0", lambda n: n.op("Gemm", flat(n), n.random("w", 297, 5), n.random("b", 5), beta=0.0))
    add("gemm_bias2d", lambda n: n.op("Gemm", flat(n), n.random("w", 297, 5), n.random("b", 1, 5)))
    add("gemm_transA", lambda n: n.op("Gemm", n.op("Transpose", flat(n)), n.random("w", 297, 5), n.random("b", 1), transA=1))
    add("matmul_last", lambda n: n.op("MatMul", "input", n.random("w", 9, 4)))
    add("matmul_stack", lambda n: n.op("MatMul", "input", n.random("w", 3, 9, 4)))
    add("matmul_both", lambda n: n.op("MatMul", "input", n.op("Transpose", "input", perm=[0, 1, 3, 2])))

    # shapes
    for axis in [1, 2, 3, 4, -1]:
        unary("Flatten", axis=axis)
    add("flatten_conv", lambda n: n.op("Flatten", n.conv("c", "input", 3, 4, 3)))
    add("reshape_zero", lambda n: n.op("Reshape", "input", n.ints(0, 0, -1)))
    add("reshape_split", lambda n: n.op("Reshape", n.conv("c", "input", 3, 4, 3), n.ints(1, 2, 2, 9, 7)))
    add("reshape_mixed", lambda n: n.op("Reshape", n.conv("c", "input", 3, 4, 3), n.ints(1, 6, 6, 7)))
    add("squeeze", lambda n: n.op("Squeeze", n.op("GlobalMaxPool", "input"), n.ints(-1, 2)))
    add("squeeze_old", lambda n: n.op("Squeeze", n.op("GlobalMaxPool", "input"), axes=[2, 3]), 11)
    add("unsqueeze", lambda n: n.op("Unsqueeze", "input", n.ints(1, -1)))
    add("unsqueeze_old", lambda n: n.op("Unsqueeze", "input", axes=[2]), 11)
    add("transpose_back", lambda n: n.op("Add", n.op("Transpose", "input", perm=[0, 1, 3, 2]), n.random("w", 9, 11)))
    add("transpose_add", lambda n: n.op("Add", n.op("Transpose", n.conv("c", "input", 3, 3, 1), perm=[0, 3, 2, 1]), n.op("Transpose", "input", perm=[0, 3, 2, 1])))
    add("expand", lambda n: n.op("Expand", n.op("GlobalMaxPool", "input"), n.ints(1, 3, 2, 4)))
    add("concat_places", lambda n: n.op("Concat", n.conv("c", "input", 3, 3, 1), "input", axis=-2))
    add("slice_steps", lambda n: n.op("Slice", "input", n.ints(1, -2), n.ints(11, -9), n.ints(2, 3), n.ints(3, -2)))
    add("slice_old", lambda n: n.op("Slice", "input", axes=[1, 3], starts=[0, -5], ends=[2, 1000]), 9)
    add("split_equal", lambda n: n.op("Concat", *reversed(n.op("Split", "input", outputs=3, axis=1)), axis=1), 13)
    add("split_num", lambda n: n.op("Concat", *reversed(n.op("Split", "input", outputs=4, axis=2, num_outputs=4)), axis=2), 18)
    add("split_old", lambda n: n.op("Concat", *reversed(n.op("Split", "input", outputs=2, axis=3, split=[2, 7])), axis=3), 11)
    add("gather_one", lambda n: n.op("Gather", "input", n.weight("i", np.array(-1, np.int64)), axis=2))
    add("gather_list", lambda n: n.op("Gather", "input", n.ints(2, 0, 1), axis=1))
    add("gather_matrix", lambda n: n.op("Gather", "input", n.weight("i", np.array([[0, 1], [5, 3]], np.int64)), axis=3))
    for mode in ["DCR", "CRD"]:
        add("depthtospace_" + mode.lower(), lambda n, mode=mode: n.op("DepthToSpace", n.conv("c", "input", 3, 8, 1), blocksize=2, mode=mode))
    add("spacetodepth", lambda n: n.op("SpaceToDepth", n.op("Slice", "input", n.ints(0), n.ints(8), n.ints(2)), blocksize=2), shape=(1, 3, 11, 6))
    for mode in ["constant", "reflect", "edge"]:
        add("pad_" + mode, lambda n, mode=mode: n.op("Pad", "input", n.ints(0, 0, 1, 2, 0, 0, 3, 4), *([f(n, 0.7)] if mode == "constant" else []), mode=mode))
        add("pad_old_" + mode, lambda n, mode=mode: n.op("Pad", "input", pads=[0, 0, 1, 2, 0, 0, 3, 4], mode=mode, value=0.5), 10)
    add("pad_channels", lambda n: n.op("Pad", "input", n.ints(0, 2, 0, 0, 0, 1, 0, 0)))
    add("pad_negative", lambda n: n.op("Pad", "input", n.ints(0, 0, -1, 2, 0, 0, 1, -3)))
    add("pad_axes", lambda n: n.op("Pad", "input", n.ints(1, 2, 3, 4), "", n.ints(-1, 2)), 18)
    for op in ["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2"]:
        add(op.lower() + "_old", lambda n, op=op: n.op(op, "input", axes=[1, -1], keepdims=1), 12)
        add(op.lower() + "_drop", lambda n, op=op: n.op(op, n.conv("c", "input", 3, 4, 3), n.ints(2), keepdims=0), 18)
    add("reducesum_noop", lambda n: n.op("ReduceSum", "input", noop_with_empty_axes=1), 13)
    add("shape_arithmetic", shape_arithmetic)
    return cases


def shape_arithmetic(n):
    """The long way to Flatten: sizes computed, cast, sliced, tested, put together."""
    s = n.op("Shape", "input")
    last = n.op("Slice", s, n.ints(1), n.ints(2**31), n.ints(0))
    size = n.op("ReduceProd", last, keepdims=1)
    half = n.op("Div", n.op("Cast", size, to=FLOAT), n.weight("three", np.float32(3)))
    size = n.op("Mul", n.op("Cast", n.op("Floor", half), to=TensorProto.INT64), n.ints(3))
    fill = n.op("ConstantOfShape", n.ints(1), value=numpy_helper.from_array(np.array([1], np.int64)))
    size = n.op("Where", n.op("Equal", size, n.ints(-1)), fill, size)
    batch = n.op("Gather", s, n.ints(0), axis=0)
    return n.op("Reshape", "input", n.op("Concat", batch, size, axis=0))


def finish(n, x):
    """Brings any tensor to one row a picture, as a classifier gives it."""
    return n.op("Reshape", n.op("Identity", x), n.ints(n.shape[0], -1))


def run(model, shape, source="input"):
    """Every floating-point tensor whose values depend on the picture's."""
    out = model.graph.output[0].name
    names, depend = [], {source}
    for node in model.graph.node:
        if node.op_type not in ("Shape", "Size", "CastLike") and depend & set(node.input):
            depend |= set(node.output)
            names += node.output
    session = onnx.ModelProto.FromString(model.SerializeToString())
    types = {}
    inferred = onnx.shape_inference.infer_shapes(session)
    for v in inferred.graph.value_info:
        types[v.name] = v.type.tensor_type.elem_type
    for name in names:
        if name != out and types.get(name, FLOAT) == FLOAT:
            session.graph.output.append(helper.make_tensor_value_info(name, FLOAT, None))
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    s = ort.InferenceSession(session.SerializeToString(), options, providers=["CPUExecutionProvider"])
    wanted = [o.name for o in session.graph.output]
    return dict(zip(wanted, s.run(wanted, {source: picture(shape)})))


def summary(a):
    a = np.asarray(a, np.float32)
    flat = a.reshape(-1)
    at = np.unique(np.linspace(0, flat.size - 1, min(flat.size, 24)).round().astype(int))
    return {"shape": list(a.shape), "largest": float(np.abs(flat).max()), "values": [float(f"{v:.8g}") for v in flat[at]]}


def save(folder, tensors):
    """Writes each floating-point tensor as DIR/NAME.npy."""
    os.makedirs(folder)
    for k, v in tensors.items():
        if v.dtype == np.float32:
            np.save(os.path.join(folder, k.replace("/", "%") + ".npy"), v)


def models():
    for build in FAMILIES:
        n, out = build()
        yield "families/" + n.name, n, n.model(out)
    for name, build, shape, opset in single():
        n, out = operator(name, build, shape, opset)
        yield "operators/" + name, n, n.model(finish(n, out))


def main():
    everything = sys.argv[2] if len(sys.argv) > 2 and sys.argv[1] == "--all" else None
    if not everything:
        os.makedirs(os.path.join(HERE, "families"), exist_ok=True)
    expected, pack = {}, io.BytesIO()
    with zipfile.ZipFile(pack, "w", zipfile.ZIP_DEFLATED) as z:
        for path, n, model in models():
            shape = [d if isinstance(d, int) else 1 for d in n.shape]
            try:
                tensors = run(model, shape)
            except Exception as e:
                raise SystemExit(f"{path}: {e}")
            expected[path] = {"logits": model.graph.output[0].name, "shape": shape,
                              "tensors": {k: summary(v) for k, v in tensors.items() if v.dtype == np.float32}}
            if everything:
                folder = os.path.join(everything, path)
                save(folder, tensors)
                onnx.save(model, folder + ".onnx")
            elif path.startswith("families/"):
                onnx.save(model, os.path.join(HERE, path + ".onnx"))
            else:
                z.writestr(zipfile.ZipInfo(os.path.basename(path) + ".onnx"), model.SerializeToString(), zipfile.ZIP_DEFLATED)
    if not everything:
        with open(os.path.join(HERE, "operators.zip"), "wb") as f:
            f.write(pack.getvalue())
        with open(os.path.join(HERE, "expected.json"), "w") as f:
            f.write("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in expected.items()) + "\n}\n")


if __name__ == "__main__":
    main()
