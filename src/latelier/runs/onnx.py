"""From a trained model to ONNX files, each measured against torch before anything is written."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any, Protocol

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from latelier.core import Classifies, Code, Decides, Decodes, Encodes, Model, Samples, has, need
from latelier.errors import Refusal
from latelier.runs.building import Card

TOLERANCE = 1e-4  # greatest absolute difference from torch in any number,
RELATIVE = 1e-6  # or this share of an output's greatest value: beyond 1000 float32 itself does not hold 1e-4
AVERAGED = {"views": "changed views", "draws": "samples of the code"}  # fields of a head -> what its classes average
BATCHES = (1, 7)  # rows at which the difference is measured; the graph is traced with 2


class Encoder(nn.Module):
    """image [b, c, h, w] -> the most likely code, a tensor for each latent, then probabilities [b, classes] if any: of
    that code, since a graph draws none to average over."""

    def __init__(self, model: Model):
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        code = need(self.model, Encodes).encode(image).mode() if has(self.model, Encodes) else {}
        outputs = [code[name] for name in self.model.latents] if code else []
        if has(self.model, Decides):
            outputs.append(need(self.model, Decides).likeliest(image))
        elif has(self.model, Classifies):
            outputs.append(need(self.model, Classifies).classify(image))
        return tuple(outputs)


class Decoder(nn.Module):
    """A tensor [b, *shape] for each latent -> mean image [b, c, h, w]."""

    def __init__(self, model: Model):
        super().__init__()
        self.model = model

    def forward(self, *codes: Tensor) -> tuple[Tensor, ...]:
        return (need(self.model, Decodes).decode(dict(zip(self.model.latents, codes, strict=True))),)


class Draw(Protocol):
    """Inputs of n rows to measure on: what the graph will meet, and its extremes."""

    def __call__(self, n: int, generator: Generator) -> Iterator[tuple[Tensor, ...]]: ...


@dataclass(frozen=True)
class Graph:
    """One file to write."""

    file: str
    module: nn.Module
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    draw: Draw


def graphs_of(model: Model) -> list[Graph]:
    """What of the model can be exported. Raises Refusal if nothing can."""
    names, graphs = tuple(model.latents), []
    outputs = (names if has(model, Encodes) else ()) + (("probabilities",) if has(model, Classifies) else ())
    if outputs:
        graphs.append(Graph("encoder.onnx", Encoder(model).eval(), ("image",), outputs, partial(_images, model.image)))
    if has(model, Decodes):
        graphs.append(Graph("decoder.onnx", Decoder(model).eval(), names, ("image",), partial(_codes, model)))
    if not graphs:
        raise Refusal("this model neither encodes, decodes nor predicts classes: there is nothing to export")
    return graphs


def write(graph: Graph) -> bytes:
    """The graph as the bytes of an ONNX file with a free batch axis. Raises Refusal if its model cannot be traced."""
    example = next(graph.draw(2, torch.Generator().manual_seed(0)))
    with warnings.catch_warnings():  # of torch's converter, which speaks to its own developers
        warnings.simplefilter("ignore")
        try:
            program = torch.onnx.export(
                _trace(graph.module, example),
                dynamo=True,
                input_names=graph.inputs,
                output_names=graph.outputs,
                verbose=False,
            )
        except Exception as error:  # the tracer lets out whatever the model's code meets in it
            reason = " ".join(str(error).split())[:300]
            raise Refusal(f"this model cannot be written as {graph.file}: {reason}") from error
    assert program is not None
    return _tidied(program.model_proto)


def measure(content: bytes, graph: Graph) -> dict[str, float]:
    """Greatest absolute difference of each output from torch under onnxruntime. Raises Refusal if it is too great."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    generator = torch.Generator().manual_seed(1)
    worst = dict.fromkeys(graph.outputs, 0.0)
    for n in BATCHES:
        for values in graph.draw(n, generator):
            with torch.no_grad():
                expected = graph.module(*values)
            feed = dict(zip(graph.inputs, (value.numpy() for value in values), strict=True))
            for name, ours, theirs in zip(graph.outputs, expected, session.run(graph.outputs, feed), strict=True):
                difference = float(np.abs(ours.numpy() - theirs).max())
                allowed = max(TOLERANCE, RELATIVE * float(ours.abs().max()))
                if not difference <= allowed:  # so that NaN is refused as well
                    raise Refusal(
                        f"{graph.file} gives '{name}' {difference:.1e} away from torch at {n} rows; {allowed:.0e} is "
                        "allowed and nothing was written: try other versions of torch, onnxscript and onnxruntime"
                    )
                worst[name] = max(worst[name], difference)
    return worst


def describe(model: Model, card: Card, graphs: list[Graph], differences: dict[str, dict[str, float]]) -> dict[str, Any]:
    """What a program needs to know to use the files: card.json. Its head is that of the files, which average nothing;
    what the run itself averages, a line says."""
    apart = _apart(card)
    return {
        "format": 1,
        "model": card.model,
        "config": card.config,
        "head": card.head and {name: 0 if name in AVERAGED else value for name, value in card.head.items()},
        "image": {
            "shape": ["batch", *model.image],
            "axes": "batch, channel, row from the top, column from the left",
            "type": "float32",
            "range": [0, 1],
            "preprocessing": _preprocessing(*model.image),
        },
        "latents": {name: {"shape": ["batch", *it.shape], "prior": it.kind} for name, it in model.latents.items()},
        "classes": list(card.classes),
        **({"probabilities": apart} if apart else {}),
        "files": {
            graph.file: {
                "inputs": list(graph.inputs),
                "outputs": list(graph.outputs),
                "greatest difference from torch": differences[graph.file],
            }
            for graph in graphs
        },
        "versions": {name: version(name) for name in ("latelier", "torch", "onnx", "onnxscript", "onnxruntime")},
    }


def _apart(card: Card) -> str:
    """How the files' probabilities differ from those of ``latelier classify``; "" where they do not."""
    head = card.head or {}
    means = [f"{head[name]} {what} (head.{name}={head[name]})" for name, what in AVERAGED.items() if head.get(name)]
    if not means:
        return ""
    return f"of the most likely code of the image as it is; the run's own are means over {means[0]}"


def _preprocessing(c: int, h: int, w: int) -> str:
    colour = "grey (one channel)" if c == 1 else "RGB" if c == 3 else f"{c} channels"
    fit = f"the centre square cut out and scaled to {h} x {w} pixels" if h == w else f"exactly {w} wide and {h} high"
    return f"{colour}; upright as EXIF says; transparency laid on white; {fit} (Lanczos); 8-bit values divided by 255"


def _images(shape: tuple[int, int, int], n: int, generator: Generator) -> Iterator[tuple[Tensor, ...]]:
    """Noise, smooth images of 8 bits, and the same in black and white."""
    yield (torch.rand(n, *shape, generator=generator),)
    coarse = torch.rand(n, shape[0], 4, 4, generator=generator)
    smooth = functional.interpolate(coarse, shape[1:], mode="bilinear")
    yield ((smooth * 255).round() / 255,)
    yield ((smooth > 0.5).float(),)


def _codes(model: Model, n: int, generator: Generator) -> Iterator[tuple[Tensor, ...]]:
    """Draws from the prior, or normal noise where the model has none, and the codes of images where it knows them."""
    drawn: Code = {name: torch.randn(n, *latent.shape, generator=generator) for name, latent in model.latents.items()}
    if has(model, Samples):
        drawn |= need(model, Samples).sample_prior(n, generator)
    yield tuple(drawn[name] for name in model.latents)
    if has(model, Encodes):
        for (image,) in _images(model.image, n, generator):
            with torch.no_grad():
                code = need(model, Encodes).encode(image).mode()
            yield tuple(code[name].contiguous() for name in model.latents)


def _trace(module: nn.Module, example: tuple[Tensor, ...]) -> torch.export.ExportedProgram:
    shapes = torch.export.ShapesCollection()
    for value in example:
        shapes[value] = {0: torch.export.Dim("batch")}
    try:
        return torch.export.export(module, example, dynamic_shapes=shapes)
    except Exception:  # len(x) is a fixed number to this quick tracer, which then refuses; the strict one sees an axis
        return torch.export.export(module, example, dynamic_shapes=shapes, strict=True)


def _tidied(proto: Any) -> bytes:
    """The ONNX model without the tracer's notes, which hold paths and source lines of this machine; its axis named."""
    for node in proto.graph.node:
        node.ClearField("metadata_props")
    proto.graph.ClearField("value_info")
    for value in (*proto.graph.input, *proto.graph.output):
        value.ClearField("metadata_props")
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    return bytes(proto.SerializeToString())
