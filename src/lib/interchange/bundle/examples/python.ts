// The Python examples of a bundle: onnxruntime and PyTorch, with the preprocessing that both share.

import { LETTERBOX_GREY } from './settings';
import type { ExampleSettings } from './settings';

const RESIZE: Readonly<Record<ExampleSettings['resize'], string>> = {
  stretch: `    image = resize(image, WIDTH, HEIGHT)`,
  crop: `    # Resized until it just covers the input, then the middle is taken.
    if WIDTH / image.width >= HEIGHT / image.height:
        width, height = WIDTH, max(HEIGHT, WIDTH * image.height // image.width)
    else:
        width, height = max(WIDTH, HEIGHT * image.width // image.height), HEIGHT
    left, top = round((width - WIDTH) / 2), round((height - HEIGHT) / 2)
    image = resize(image, width, height).crop((left, top, left + WIDTH, top + HEIGHT))`,
  letterbox: `    # Resized until it just fits, in the middle of grey.
    scale = min(WIDTH / image.width, HEIGHT / image.height)
    width = min(WIDTH, max(1, int(image.width * scale + 0.5)))
    height = min(HEIGHT, max(1, int(image.height * scale + 0.5)))
    grey = Image.new("RGB", (WIDTH, HEIGHT), (${LETTERBOX_GREY}, ${LETTERBOX_GREY}, ${LETTERBOX_GREY}))
    grey.paste(resize(image, width, height), ((WIDTH - width) // 2, (HEIGHT - height) // 2))
    image = grey`,
};

const FILTER: Readonly<Record<ExampleSettings['interpolation'], string>> = {
  bilinear: `    return image.resize((width, height), Image.Resampling.BILINEAR)`,
  bicubic: `    return image.resize((width, height), Image.Resampling.BICUBIC)`,
  nearest: `    # The pixel under each centre. Pillow adds up steps, and takes a neighbour where the rounding errors tip a tie.
    columns = ((np.arange(width) + 0.5) * (image.width / width)).astype(int)
    rows = ((np.arange(height) + 0.5) * (image.height / height)).astype(int)
    return Image.fromarray(np.asarray(image)[rows[:, None], columns])`,
};

/** `preprocess.py` */
export function preprocessPython({ height, width, resize, interpolation, mean, std }: ExampleSettings): string {
  return `"""From an image file to the model's input, exactly as in training. Needs Pillow and numpy."""
import numpy as np
from PIL import Image, ImageOps

WIDTH, HEIGHT = ${width}, ${height}
MEAN = np.array([${mean.join(', ')}], np.float32).reshape(3, 1, 1)
STD = np.array([${std.join(', ')}], np.float32).reshape(3, 1, 1)


def resize(image, width, height):
${FILTER[interpolation]}


def load_image(path):
    """float32 [3, ${height}, ${width}], RGB in 0..1."""
    image = ImageOps.exif_transpose(Image.open(path))
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("RGB")
${RESIZE[resize]}
    return np.asarray(image, np.float32).transpose(2, 0, 1) / 255


def normalize(image):
    return (image - MEAN) / STD
`;
}

/** `predict_onnx.py` */
export function onnxPython({ normalization, output, activation }: ExampleSettings): string {
  const imports = normalization ? 'load_image' : 'load_image, normalize';
  const input = normalization ? 'load_image(path)' : 'normalize(load_image(path))';
  return `"""Runs model.onnx on images.

pip install onnxruntime pillow numpy
python predict_onnx.py photo.jpg ...
"""
import json
import sys
from pathlib import Path

import onnxruntime

from preprocess import ${imports}

session = onnxruntime.InferenceSession(str(Path(__file__).parent.parent / "model.onnx"))
labels = json.loads(session.get_modelmeta().custom_metadata_map["labels"])

for path in sys.argv[1:]:
    image = ${input}
    scores = session.run(["${output}"], {"image": image[None]})[0][0]
    best = int(scores.argmax())
    everything = {label: float(score) for label, score in zip(labels, scores)}
    print(json.dumps({"image": path, "predicted_class": labels[best], "confidence": float(scores[best]), "all_predictions": everything${several(activation)}}))
`;
}

/** Where each class is a yes or no of its own: all that are. */
function several(activation: ExampleSettings['activation']): string {
  if (activation !== 'sigmoid') return '';
  return ', "predicted_classes": [label for label, score in zip(labels, scores) if score > 0.5]';
}

const SCORES: Readonly<Record<ExampleSettings['activation'], string>> = {
  softmax: 'logits.softmax(0)',
  sigmoid: 'logits.sigmoid()',
  none: 'logits',
};

/** `load_pytorch.py`; `timm` is the name of the same architecture there, null takes model.py. */
export function torchPython({ classes, activation }: ExampleSettings, timm: string | null): string {
  const packages = timm === null ? 'torch safetensors pillow numpy' : 'timm torch safetensors pillow numpy';
  const imports = timm === null ? 'import torch' : 'import timm\nimport torch';
  const local = timm === null ? 'from model import Model\nfrom preprocess' : 'from preprocess';
  const make = timm === null ? 'Model()' : `timm.create_model("${timm}", num_classes=${classes})`;
  return `"""Loads model.safetensors into PyTorch and runs it on images.

pip install ${packages}
python load_pytorch.py photo.jpg ...
"""
import json
import sys
from pathlib import Path

${imports}
from safetensors import safe_open
from safetensors.torch import load_file

${local} import load_image, normalize

weights = Path(__file__).parent.parent / "model.safetensors"
model = ${make}
model.load_state_dict(load_file(weights), strict=True)
model.eval()
with safe_open(weights, "pt") as file:
    labels = json.loads(file.metadata()["labels"])

for path in sys.argv[1:]:
    image = torch.from_numpy(normalize(load_image(path)))
    with torch.no_grad():
        logits = model(image[None])[0]
    scores = ${SCORES[activation]}
    best = int(scores.argmax())
    print(json.dumps({"image": path, "predicted_class": labels[best], "confidence": float(scores[best]), "logits": logits.tolist()${several(activation)}}))
`;
}
